/** The file `hb` of an instance: a counter that its owner rewrites in place, and of which others see only that it changes. */
import type { Awaitable } from '@mpibatch/batch-core'
import { createSyncedFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { heartbeatPath } from './store-paths.ts'

/** Digits of the counter: its size never changes, so that no reader sees it half. */
const COUNTER_DIGITS = 16

/** The text of `hb` after so many beats. */
export function printHeartbeat(count: number): string {
  return `${String(count).padStart(COUNTER_DIGITS, '0')}\n`
}

/** Makes the file of an instance that registers. */
export function createHeartbeatFile(files: FileLayer, directory: string, sync: boolean): Awaitable<void> {
  return createSyncedFile(files, heartbeatPath(directory), { text: printHeartbeat(0), sync })
}
