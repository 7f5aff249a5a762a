import type { TaskCounts } from './batch-events.ts'
import type { LivenessOptions } from './batch-options.ts'
import type { Communicator } from './communicator.ts'
import type { StoreTicket } from './state-store.ts'
import type { TaskDefinition } from './task-definition.ts'

/**
 * What a launcher (`mpibatch run job.mjs`) hands to the job script that it starts in every rank.
 *
 * The script may load another copy of this library than the launcher did, so this is a versioned contract of plain
 * data and functions, found under a global symbol, never by import.
 */
export interface Runtime {
  /** Version of this contract. */
  readonly protocol: 1
  /** All ranks of the job. */
  readonly communicator: Communicator
  /** What the command line said; stands before what the script says. */
  readonly options: RuntimeOptions
  /**
   * Shared with the launcher: word 0 is {@link STOP_NONE} or {@link STOP_DRAIN}; word 1, where there is one, becomes 1
   * when the script asks for its ranks.
   */
  readonly stop: Int32Array
  /** Tells the launcher that a batch was opened, and how to ask for its counts in this process; called by rank 0. */
  announce(batch: AnnouncedBatch & { readonly counts: () => TaskCounts }): void
}

/** Options that a command line may give to a job script's batch; see `BatchOptions` for their meaning. */
export interface RuntimeOptions {
  readonly root?: string
  readonly tasks?: readonly TaskDefinition[]
  readonly groupSize?: number
  readonly retries?: number
  readonly retryDelayMs?: number
  readonly retryFailed?: boolean
  readonly rerun?: boolean
  readonly stealRunning?: boolean
  readonly acceptChanges?: boolean
  readonly crashLimit?: number
  readonly order?: 'given' | 'longest' | 'shuffle'
  readonly durability?: 'none' | 'terminal' | 'full'
  readonly wait?: boolean
  readonly timeLimitMs?: number
  readonly liveness?: LivenessOptions
}

/** The tasks of a batch by their position, from 0, as far as its launcher needs them. */
export interface AnnouncedTasks {
  readonly length: number
  at(index: number): { readonly name: string; readonly summary?: string } | undefined
}

/** A batch as its launcher sees it, to show progress and to give claims back when ranks are ended. */
export interface AnnouncedBatch {
  /** The task table's words, shared between all threads. */
  readonly table: Int32Array
  /** Directory of the tasks; `null` if the batch lives in memory only. */
  readonly root: string | null
  /** The tasks in the order of their indices. */
  readonly tasks: AnnouncedTasks
  /** How to attach to the batch's store; `undefined` without one. */
  readonly ticket: StoreTicket | undefined
}

/** Value of the stop word: go on. */
export const STOP_NONE = 0
/** Value of the stop word: finish what runs, start nothing. */
export const STOP_DRAIN = 1

const RUNTIME_KEY: unique symbol = Symbol.for('mpibatch.runtime')
type GlobalWithRuntime = typeof globalThis & { [RUNTIME_KEY]?: Runtime }

/** Makes a runtime the one that `openBatch` finds in this thread. Called by launchers. */
export function setRuntime(runtime: Runtime | undefined): void {
  const place = globalThis as GlobalWithRuntime
  if (runtime === undefined) delete place[RUNTIME_KEY]
  else place[RUNTIME_KEY] = runtime
}

/** The runtime that a launcher set in this thread, if any. */
export function findRuntime(): Runtime | undefined {
  return (globalThis as GlobalWithRuntime)[RUNTIME_KEY]
}
