import type { Awaitable } from './awaitable.ts'
import type { NamedList } from './name-index.ts'
import type { TaskDefinition } from './task-definition.ts'
import type { ClaimableStates, StoredState, TerminalState } from './task-state.ts'

/** The exclusive right to run a task, as a store grants it. */
export interface StoreClaim {
  /** Index of the task, from 0. */
  readonly taskIndex: number
  /** Number of the event slot that holds the claim: the fencing token, growing with every event of the task. */
  readonly slot: number
  /** How many times the task has been claimed, this time included: 1 for the first. */
  readonly attempt: number
}

/** What became of an attempt to claim a task. `slot` is always the highest event slot seen. */
export type ClaimOutcome =
  /** The task is ours. */
  | { readonly kind: 'claimed'; readonly slot: number; readonly claim: StoreClaim }
  /** The task has ended, and ended tasks are not wanted. */
  | { readonly kind: 'settled'; readonly slot: number; readonly state: TerminalState }
  /** Another instance runs it; `owner` is that instance, or `foreign` for a program that takes no claims. */
  | { readonly kind: 'elsewhere'; readonly slot: number; readonly owner: string }
  /** Its files can't be understood; they are left alone. */
  | { readonly kind: 'invalid'; readonly slot: number; readonly reason: string }

/**
 * How an attempt ended, told apart for `list`: an exit code, a signal, a time-out, a command that is not there, an owner
 * that died once too often.
 */
export type AttemptReason =
  | 'done'
  | 'exit'
  | 'signal'
  | 'timeout'
  | 'not-found'
  | 'not-executable'
  | 'error'
  | 'interrupted'
  | 'crashed'

/** What is kept of an attempt when it ends. */
export interface AttemptRecord {
  /** How it ended. */
  readonly reason: AttemptReason
  /** Wall-clock start, milliseconds since 1970. */
  readonly startedAtMs: number
  /** Duration by a monotonic clock, milliseconds. */
  readonly durationMs: number
  /** The slot or worker group that ran it, from 0. */
  readonly worker: number
  /** Exit code of a command that exited. */
  readonly exitCode?: number
  /** Name of the signal that ended a command, `SIGKILL`. */
  readonly signal?: string
  /** One line on what went wrong. */
  readonly message?: string
}

/** A process that runs a claimed task, so that a successor can find and end it. */
export interface AttemptProcess {
  /** Process group of the command. */
  readonly processGroup: number
  /**
   * When its leader started, in clock ticks since boot as in `/proc/PID/stat` (proc(5)). @defaultValue what stands there
   * now
   */
  readonly startTime?: string
}

/** Something found while loading that needs a word to the user. */
export interface LoadedFault {
  /** The task that it is about; left out if it is about the whole store. */
  readonly taskIndex?: number
  /** What is wrong, as a sentence that names the file. */
  readonly message: string
}

/** Initial states of all tasks. */
export interface LoadedStates {
  /** One {@link STATE_CODE} per task: OPEN (free, or left by a dead owner), DONE, FAILED, ELSEWHERE or INVALID. */
  readonly codes: Uint8Array
  /** What could not be read; these tasks are INVALID and left alone. */
  readonly faults: readonly LoadedFault[]
}

/** Whether an instance may start tasks: `suspect` while it must wait, `lost` when others have declared it dead. */
export type LeaseState = 'valid' | 'suspect' | 'lost'

/** The right of this instance to start tasks; see `docs/liveness.md`. */
export interface StoreLease {
  /** At this moment, by this machine's clocks. */
  readonly state: LeaseState
  /** @throws {@link LeaseLostError} if it is lost. */
  check(): void
  /**
   * Calls back some time after each change, half a second at most. Who begins to listen while the lease is not valid
   * hears of that as of a change.
   *
   * @returns Ends that.
   */
  onChange(listener: (state: LeaseState) => void): () => void
}

/** The lease of a store that nobody else can see. */
export const PERMANENT_LEASE: StoreLease = {
  state: 'valid',
  check: () => undefined,
  onChange: () => () => undefined,
}

/** Who has tasks that run elsewhere, and what is known of its life. */
export interface ElsewhereOwner {
  /** The instance; `foreign` for programs that take no claims, `unknown` where a file can't be read. */
  readonly owner: string
  /** Host of the instance, empty if it is not known. */
  readonly host: string
  /** Number of its tasks. */
  readonly taskCount: number
  /** One of its tasks. */
  readonly taskIndex: number
  /** Whether it has shown a sign of life, or could show none: it is alive for all that can be known. */
  readonly alive: boolean
  /** Milliseconds until it is declared dead if it shows no sign of life; only while it is not known to be alive. */
  readonly decidedInMs?: number
  /** Why its tasks are left alone for good, for people. */
  readonly fault?: string
}

/** What has become of tasks that ran elsewhere. */
export interface Outlook {
  /** Those that can be claimed now, or have ended. */
  readonly ready: readonly number[]
  /** Whose the others are. */
  readonly owners: readonly ElsewhereOwner[]
}

/** Plain data with which another rank attaches to the store that rank 0 opened, or joins it. */
export type StoreTicket = unknown

/** A task with what the store's manifest keeps of it. */
export interface PlannedTask extends TaskDefinition {
  /** Short hash of what the task runs; equal means that the same thing would run. */
  readonly fingerprint: string
  /** One line that says what the task runs, to show a person what has changed. */
  readonly summary?: string
}

/**
 * The tasks of a batch by their position, from 0. An array is one; a list that makes a task each time it is asked for takes
 * no memory for a million of them.
 */
export interface PlannedTasks extends Iterable<PlannedTask> {
  readonly length: number
  at(index: number): PlannedTask | undefined
  /**
   * Text that differs wherever a name, a fingerprint, or the order of the tasks does; found without going through all of
   * them one by one.
   */
  readonly digest?: string
}

/**
 * Where task states live beyond one run (`docs/state-files.md`).
 *
 * Every method may be called for several tasks at once, but not twice at once for one task: whoever calls has claimed
 * the task in its own table before. `lastSeen` is the highest event slot that this instance knows of for the task,
 * 0 at first; the caller keeps it, per task, never lowers it, and gives it to the next call.
 *
 * What claims and ends tasks may answer at once, and throw at once; a store that has to wait returns a promise.
 */
export interface StateStore {
  /** Identifies the running batch; in every claim. */
  readonly instance: string
  /** Plain data for other threads of this process; may hold shared memory. */
  readonly ticket: StoreTicket
  /** The same for other processes, without shared memory. */
  readonly portableTicket: StoreTicket
  /** Whether {@link StateStore.readState} tells states. */
  readonly keepsStates: boolean
  /** The right to start tasks. Results may be published without it: whoever has the task's slot decides. */
  readonly lease: StoreLease

  /** Reads the states of all tasks. */
  load(): Promise<LoadedStates>
  /**
   * Tries to claim a task; the loser learns why. A claim that was won while the lease ran out is given back to the
   * caller only when the lease is valid again.
   *
   * @throws {@link LeaseLostError} if it will not be.
   */
  claim(
    taskIndex: number,
    options: { readonly lastSeen: number; readonly from: ClaimableStates },
  ): Awaitable<ClaimOutcome>
  /** Notes that a claimed task's command has started. Not synced to disk. */
  recordStart(claim: StoreClaim, process: AttemptProcess): void
  /**
   * Records the end of a claimed task. When it resolves, the state is as durable as was asked for.
   *
   * @returns The event slot of the result.
   * @throws {@link FencedError} if another instance has taken the task over: the result is discarded.
   * @throws {@link ForeignWriterError} if a program without claims changed the state meanwhile.
   */
  publish(claim: StoreClaim, state: TerminalState, record: AttemptRecord): Awaitable<number>
  /**
   * Keeps the value of a claimed task with it, to be read once the task is DONE; before {@link StateStore.publish}.
   * What a claim keeps that is not DONE in the end is never read.
   *
   * @param text - JSON, or nothing at all.
   */
  keepValue(claim: StoreClaim, text: string): Awaitable<void>
  /**
   * Reads what the claim that made a task DONE has kept; `undefined` if it kept nothing, and from a store that keeps no
   * states of its own.
   *
   * @throws {@link StateCorruptError} if it is not what was kept.
   */
  readValue(taskIndex: number): Promise<string | undefined>
  /** Gives a claim back: the task is OPEN again. Throws like {@link StateStore.publish}. */
  release(claim: StoreClaim, record?: AttemptRecord): Awaitable<number>
  /** Reads a task's state as it stands now; `undefined` from a store that keeps no states of its own. */
  readState(taskIndex: number): Promise<StoredState | 'INVALID' | undefined>
  /** Looks again at tasks that ran elsewhere. */
  reconsider(taskIndices: readonly number[]): Promise<Outlook>
  /** Milliseconds after which another look is worth it; an owner's life is judged only by looks at least so often. */
  readonly lookIntervalMs: number
  /** Resolves when another instance may have changed something, at the latest when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>
  /**
   * Gives back the claims that ended ranks of this instance left, and completes results that they had begun to
   * write. Only after those ranks have ended.
   */
  settle(taskIndices: readonly number[]): Promise<void>
  /** Last recorded duration of each task in milliseconds, NaN where none is known; for the order `longest`. */
  durations(): Float64Array
  /** Directory of a task, or `undefined` for a store without directories. */
  directoryOf(taskIndex: number): string | undefined
  /** Ends this rank's use of the store; on the rank that opened it, the instance is over (EXITED). */
  close(): Promise<void>
}

/** Opens stores; given to `openBatch`, so that batch-core knows no file system. */
export interface StateStoreProvider {
  /**
   * Registers an instance, compares the tasks with the manifest, and adds new ones. One rank per batch.
   *
   * @throws {@link TasksChangedError} if a known task would run something different; nothing was changed.
   * @throws {@link StoreUnusableError} if the place can't hold a store.
   */
  open(tasks: PlannedTasks): Promise<StateStore>
  /**
   * Takes part in the instance that another rank has opened or joined as: a thread of its process, by `ticket`, or a
   * process that claims nothing itself, by `portableTicket`.
   */
  attach(ticket: StoreTicket, tasks: NamedList, rank: number): Promise<StateStore>
  /**
   * Registers this process as an instance of its own, which belongs to the job of the instance whose `portableTicket`
   * it is given. Its life is judged alone: what it runs is lost with it, and not with another rank.
   *
   * @throws {@link StoreUnusableError} if this process does not find that instance in the same place.
   */
  join(ticket: StoreTicket, tasks: NamedList): Promise<StateStore>
}
