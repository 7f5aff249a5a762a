/** Stores on real temporary directories, for the tests. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  AttemptRecord,
  ClaimableStates,
  PlannedTask,
  PlannedTasks,
  StateStore,
  StoreClaim,
} from '@mpibatch/batch-core'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { createFsStateProvider, type FsStateProviderOptions } from '../src/fs-state-provider.ts'
import type { StartHeartbeat } from '../src/heartbeat-runner.ts'
import type { SchedulerJob } from '../src/job-states.ts'

/** A record of an attempt that went well. */
export const RECORD: AttemptRecord = { reason: 'done', startedAtMs: 1000, durationMs: 5, worker: 0 }

/** Tasks of these names. */
export function plan(...names: string[]): PlannedTask[] {
  return names.map((name) => ({ name, fingerprint: `print of ${name}`, summary: `run ${name}` }))
}

/** For tests that are over before a lease is: a thread can't run from source. */
export const noHeartbeat: StartHeartbeat = () => ({ stop: () => Promise.resolve() })

/** A path for a task root that is not there yet. */
export function freshRoot(): string {
  return join(temporaryDirectory(), 'root')
}

/** Opens a store that is closed when the test is over. */
export async function openStore(
  root: string,
  tasks: PlannedTasks = plan('a'),
  options: Partial<FsStateProviderOptions> = {},
): Promise<StateStore> {
  const store = await createFsStateProvider({
    root,
    durability: 'none',
    startHeartbeat: noHeartbeat,
    ...options,
  }).open(tasks)
  onTestFinished(() => store.close().catch(() => undefined))
  return store
}

/** Claims a task; fails if it can't be had. */
export async function mustClaim(
  store: StateStore,
  taskIndex = 0,
  from: ClaimableStates = {},
): Promise<StoreClaim> {
  const outcome = await store.claim(taskIndex, { lastSeen: 0, from })
  if (outcome.kind !== 'claimed') throw new Error(`Not claimed: ${JSON.stringify(outcome)}`)
  return outcome.claim
}

/** The text of a task's `state` file. */
export function stateText(root: string, name = 'a'): string {
  return readFileSync(join(root, name, 'state'), 'utf8')
}

/** Makes an instance look dead: its pid now belongs to a process that began at another time. */
export function pretendDead(root: string, instance: string): void {
  changeInfo(root, instance, { startTime: '1' })
}

/** Makes an instance look as if it ran where this process can't see it: in a container of this machine. */
export function pretendRemote(root: string, instance: string): void {
  changeInfo(root, instance, { pidNamespace: 'pid:[1]', host: 'elsewhere' })
}

/** Makes an instance look as if its machine had been started anew since. */
export function pretendReboot(root: string, instance: string): void {
  changeInfo(root, instance, { bootId: 'the boot before' })
}

/** Makes an instance look as if it ran elsewhere, in a job of a scheduler. */
export function pretendJob(root: string, instance: string, job: SchedulerJob): void {
  pretendRemote(root, instance)
  changeInfo(root, instance, { job })
}

function changeInfo(root: string, instance: string, change: object): void {
  const path = join(root, '.mpibatch', 'i', instance, 'info.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }))
}
