import { removeFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { printSnapshot, type SnapshotContent } from './index-snapshot.ts'
import { codeOf } from './io-error.ts'
import { listSequence, publishNext } from './sequence-files.ts'
import { snapshotPath, snapshotsDirectory } from './store-paths.ts'

/** Fewer lines than this are read from the journals as fast. */
const FRESH_LINES_MIN = 10_000

/** A snapshot is written again when the journals have grown by this part of it, so that all writing together stays in proportion. */
const FRESH_PART_MIN = 0.1

/** Snapshots that are kept: the newest, and the one before in case that it is damaged. */
const KEPT_COUNT = 2

/** Tells whether the journals have enough beyond the snapshot for a new one. */
export function isSnapshotDue({
  merged,
  fresh,
}: {
  readonly merged: number
  readonly fresh: number
}): boolean {
  return fresh >= Math.max(FRESH_LINES_MIN, merged * FRESH_PART_MIN)
}

/**
 * Writes a snapshot of the index, and removes those that are not needed any more.
 *
 * @param options.kept - Number of snapshots that stay, this one included. @defaultValue 2
 * @returns Whether it was written; `false` if somebody else wrote one at this moment.
 * @throws The system's error; nothing of it is left then.
 */
export async function publishSnapshot(
  files: FileLayer,
  root: string,
  options: {
    readonly content: () => SnapshotContent
    readonly staged: string
    readonly kept?: number
  },
): Promise<boolean> {
  const { content, staged, kept = KEPT_COUNT } = options
  const directory = snapshotsDirectory(root)
  try {
    const text = (): Iterable<string> => printSnapshot(content())
    const sequence = await publishNext(files, directory, { root, staged, text })
    if (sequence === undefined) return false
  } catch (error) {
    removeFile(files, staged)
    throw error
  }
  for (const sequence of listSequence(files, directory).slice(0, -kept))
    removeFile(files, snapshotPath(root, sequence))
  return true
}

/** The same, where a snapshot that can't be written is no reason to stop: the index is only a hint. */
export async function tryPublishSnapshot(...parameters: Parameters<typeof publishSnapshot>): Promise<void> {
  try {
    await publishSnapshot(...parameters)
  } catch (error) {
    if (codeOf(error) === '') throw error
  }
}
