import type { Communicator } from './communicator.ts'
import type { TaskDefinition } from './task-definition.ts'
import type { ClaimableStates, StoredState } from './task-state.ts'

/** Order in which tasks start: as given, those that took longest before first, or at random. */
export type TaskOrder = 'given' | 'longest' | 'shuffle'

/** What is synced to disk before it counts: nothing, ends of tasks, or every change. */
export type Durability = 'none' | 'terminal' | 'full'

/**
 * Times by which instances judge whether others live, milliseconds; `docs/liveness.md` explains them. What is left out
 * follows the file system of the root.
 */
export interface LivenessOptions {
  /** Between two heartbeats. @defaultValue 2000 on a local disk, 10,000 elsewhere */
  readonly heartbeatMs?: number
  /** An instance without a finished heartbeat for so long holds its work. @defaultValue 20,000, or 120,000 */
  readonly leaseMs?: number
  /** Until a change by one machine is seen by the others. @defaultValue 0, 10,000, or what the mount options say */
  readonly visibilityMs?: number
  /** An instance that shows no change for so long is declared dead. @defaultValue 30,000, 180,000 or 240,000 */
  readonly deadAfterMs?: number
}

/** Options of `openBatch`. Equal on all ranks, except `signal`, `interrupt` and `onFault`. */
export interface BatchOptions extends ClaimableStates {
  /**
   * Directory that holds one directory per task. `null` keeps all states in memory.
   * @defaultValue 'mpibatch.out'
   */
  readonly root?: string | null
  /** The tasks, by name or with values; left out, those that the command line gives. */
  readonly tasks?: readonly (string | TaskDefinition)[]
  /**
   * The ranks that work on the batch. Left out: the ones that `mpibatch run` started, or this process alone.
   * `null`: this thread alone, even where there are others.
   */
  readonly communicator?: Communicator | null
  /**
   * Ranks that run a task together. A script that runs alone has one rank, and then groups of one.
   * @defaultValue 1
   */
  readonly groupSize?: number
  /**
   * The rank that opens the root, keeps what the ranks share about all tasks, and says what a person should know. The
   * worker groups do not depend on it. A script that runs alone has rank 0 only, and then that.
   * @defaultValue 0
   */
  readonly rootRank?: number
  /**
   * The state of each task at the start, in the order of the list; only with `root: null`, since a root has the states on
   * disk. RUNNING says that a task runs elsewhere: it is left alone, unless a call asks for it with `stealRunning`.
   * @defaultValue all are OPEN
   */
  readonly initialStates?: readonly StoredState[]
  /** How often a failed task is run again. @defaultValue 0 */
  readonly retries?: number
  /** Delay before the first retry in milliseconds; doubles with each further one. @defaultValue 1000 */
  readonly retryDelayMs?: number
  /** Order in which tasks start. @defaultValue 'given' */
  readonly order?: TaskOrder
  /** What is synced to disk before it counts. @defaultValue 'terminal' */
  readonly durability?: Durability
  /** Goes on where known tasks have changed: they are opened again. @defaultValue false */
  readonly acceptChanges?: boolean
  /**
   * Part of every task's fingerprint. Change it when results made by an older version of the script no longer count;
   * the values of a task are in the fingerprint anyway, the text of the script is not.
   */
  readonly version?: string
  /** A task whose owner died so many times becomes FAILED instead of being run again. @defaultValue 5 */
  readonly crashLimit?: number
  /**
   * When nothing is left but tasks that run elsewhere: wait for them, and take over what dies.
   * @defaultValue false
   */
  readonly wait?: boolean
  /**
   * Starts nothing that would not end within so many milliseconds of the opening, judged by how long nine of ten tasks took so
   * far, in this run and before. Left out: no limit.
   */
  readonly timeLimitMs?: number
  /** Times by which instances judge whether others live. */
  readonly liveness?: LivenessOptions
  /**
   * Hears what a person should know, a sentence each: of tasks whose files can't be understood and are left alone, for
   * whom the batch waits, and of listeners that threw.
   * @defaultValue writes to standard error
   */
  readonly onFault?: (message: string) => void
  /** Asks to start nothing more once it is aborted; what runs is finished. */
  readonly signal?: AbortSignal
  /**
   * Asks to start nothing more once it is aborted, and to end what runs: it aborts the `signal` of this rank's task, with
   * its reason. In `batch.run`, `batch.map` and a loop over the batch, a body that throws then leaves its task OPEN and
   * not FAILED.
   *
   * Each rank may have a signal of its own, or none. A worker group is interrupted as a whole: the tasks' signals of the
   * other members are aborted too, within about 100 ms, with an AbortError; if a member has given its task back after
   * that, the task is OPEN whatever the others make of it; and the group takes no other task. Other groups go on.
   */
  readonly interrupt?: AbortSignal
}

/** Options with every default filled in. */
export interface ResolvedBatchOptions {
  readonly root: string | null
  readonly tasks: readonly TaskDefinition[]
  readonly groupSize: number
  readonly rootRank: number
  readonly initialStates: readonly StoredState[] | undefined
  readonly retries: number
  readonly retryDelayMs: number
  readonly retryFailed: boolean
  readonly rerun: boolean
  readonly stealRunning: boolean
  readonly order: TaskOrder
  readonly durability: Durability
  readonly acceptChanges: boolean
  readonly crashLimit: number
  readonly wait: boolean
  readonly timeLimitMs: number | undefined
  readonly liveness: LivenessOptions
  readonly version: string
}

/** Name of the task root where nobody gives another. */
export const DEFAULT_ROOT = 'mpibatch.out'

/** How often a task's owner may die before the task is FAILED, where nobody says otherwise. */
export const DEFAULT_CRASH_LIMIT = 5
