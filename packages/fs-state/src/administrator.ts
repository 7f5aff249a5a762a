import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LivenessOptions } from '@mpibatch/batch-core'
import type { StoreDurability } from './append.ts'
import type { FileLayer } from './file-layer.ts'
import type { JobStates } from './job-states.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { registerSession } from './register-session.ts'
import { checkReadableRoot } from './root-check.ts'
import { createSlurmJobs } from './slurm-jobs.ts'
import { taskDirectory } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { reconsiderTasks } from './task-reconsideration.ts'
import { type ReopenOptions, type ReopenResult, reopenTask } from './task-reopening.ts'

/** An owner of tasks, or `foreign` for programs that make no events, or `unknown` for events that can't be read. */
export interface WaitingOwner {
  readonly owner: string
  /** Empty if it is not known. */
  readonly host: string
  readonly taskCount: number
  /** Milliseconds of silence until it is dead, from now on; `undefined` for one that lives. */
  readonly decidedInMs?: number
}

/** Opens tasks of a root again; an instance of its own while it does. Close it. */
export interface Administrator {
  /** Opens a task again, if it is one that is wanted; says why not otherwise. @throws {@link StateIoError} */
  reopen(name: string, options: ReopenOptions): Promise<ReopenResult>
  /**
   * Waits until each owner of these tasks has shown a sign of life, or is known to be dead; its tasks are then opened
   * by {@link Administrator.reopen}.
   *
   * @param onWait - Hears, once, whom is waited for, if somebody is.
   * @returns Those that live, and whoever can't be judged by signs of life.
   */
  awaitVerdicts(
    names: readonly string[],
    onWait: (owners: readonly WaitingOwner[]) => void,
  ): Promise<readonly WaitingOwner[]>
  /** Ends the instance. */
  close(): Promise<void>
}

/**
 * Registers an instance that opens tasks again. Instances of this machine that have died are buried first.
 *
 * @throws {@link StoreUnusableError} if there is no such root, or it can't be written to.
 */
export async function openAdministrator(
  root: string,
  options: {
    readonly durability?: StoreDurability
    readonly files?: FileLayer
    readonly command?: string
    /** Times of liveness that were chosen; the rest follows the file system of the root. */
    readonly liveness?: LivenessOptions
    /** Asks job schedulers about the jobs of owners. @defaultValue this machine's Slurm, if it has one */
    readonly jobs?: JobStates
  } = {},
): Promise<Administrator> {
  const { files = nodeFileLayer, durability = 'terminal', command, liveness } = options
  const { jobs = createSlurmJobs() } = options
  const place = resolve(root)
  checkReadableRoot(files, place)
  const session: StoreSession = await registerSession({
    root: place,
    files,
    durability,
    crashLimit: Number.MAX_SAFE_INTEGER,
    command,
    liveness,
    jobs,
    onStep: undefined,
  })
  return {
    reopen: (name, wanted) => reopenTask(session, name, wanted),
    awaitVerdicts: (names, onWait) => awaitVerdicts(session, names, onWait),
    close: () => session.close(),
  }
}

async function awaitVerdicts(
  session: StoreSession,
  names: readonly string[],
  onWait: (owners: readonly WaitingOwner[]) => void,
): Promise<readonly WaitingOwner[]> {
  const directories = names.map((name) => taskDirectory(session.root, name))
  for (let told = false; ; ) {
    const { owners } = await reconsiderTasks(session, directories)
    const undecided = owners.filter(({ decidedInMs }) => decidedInMs !== undefined)
    if (undecided.length === 0) return owners
    if (!told) onWait(undecided)
    told = true
    const soonestMs = Math.min(...undecided.map(({ decidedInMs = 0 }) => decidedInMs))
    await pause(Math.min(soonestMs, session.ticket.timings.heartbeatMs))
  }
}
