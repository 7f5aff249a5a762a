/**
 * Every error class and code of mpibatch. A message says what happened, to which file or task, and what to do.
 * `docs/errors.md` has one entry per code; `scripts/tidy.mjs` holds the two together.
 */

/** Plain facts that belong to an error: names, paths, numbers. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** Options of every error of mpibatch. */
export interface MpibatchErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown
  /** Plain data for programs; the message says the same for people. */
  readonly details?: ErrorDetails
}

/** Base of all errors that mpibatch throws on purpose. */
export abstract class MpibatchError extends Error {
  /** Stable code, `ERR_MPIBATCH_…`, one line each in `docs/errors.md`. */
  abstract readonly code: `ERR_MPIBATCH_${string}`
  /** Plain data for programs. */
  readonly details: ErrorDetails

  constructor(message: string, options: MpibatchErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.details = options.details ?? {}
  }
}

/** Options, lists or names that the user has to mend. The command line ends with exit code 2. */
export class ConfigError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_CONFIG_INVALID' = 'ERR_MPIBATCH_CONFIG_INVALID'
}

/** Ranks of one collective call gave different values. */
export class ConfigMismatchError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_CONFIG_MISMATCH' = 'ERR_MPIBATCH_CONFIG_MISMATCH'
}

/** A known task would now run something different. `details.changes` lists them. Exit code 2. */
export class TasksChangedError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_TASKS_CHANGED' = 'ERR_MPIBATCH_TASKS_CHANGED'
}

/** A call on a batch, communicator or window that was closed. */
export class ClosedError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_CLOSED' = 'ERR_MPIBATCH_CLOSED'
}

/** The caller broke a rule of the call: wrong rank, wrong order, wrong type. */
export class UsageError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_USAGE' = 'ERR_MPIBATCH_USAGE'
}

/** A lock was released by a rank that does not hold it. */
export class LockNotHeldError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_LOCK_NOT_HELD' = 'ERR_MPIBATCH_LOCK_NOT_HELD'
}

/** A wait took longer than its `timeoutMs`. */
export class TimeoutError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_TIMEOUT' = 'ERR_MPIBATCH_TIMEOUT'
}

/** The state change is not legal (`docs/task-states.md`); nothing was changed. */
export class TaskStateError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_ILLEGAL_TRANSITION' = 'ERR_MPIBATCH_ILLEGAL_TRANSITION'
}

/** The claim was superseded by another instance; the result of this attempt is discarded. */
export class FencedError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_FENCED' = 'ERR_MPIBATCH_FENCED'
}

/** A program that takes no claims (pshmem, or a person) wrote the task's `state` while we ran it. */
export class ForeignWriterError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_FOREIGN_WRITER' = 'ERR_MPIBATCH_FOREIGN_WRITER'
}

/** The store can't be used: not a directory, read-only, full, a file system without exclusive names. Exit code 3. */
export class StoreUnusableError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_STORE_UNUSABLE' = 'ERR_MPIBATCH_STORE_UNUSABLE'
}

/** A file of the store can't be read as what it should be. */
export class StateCorruptError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_STATE_CORRUPT' = 'ERR_MPIBATCH_STATE_CORRUPT'
}

/** Reading or writing the store failed; `cause` is the system's error, `details.path` the file. Exit code 3. */
export class StateIoError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_STATE_IO' = 'ERR_MPIBATCH_STATE_IO'
}

/**
 * This instance was declared dead by another, after its machine or its storage had been away for too long: others may
 * have its tasks now, and it can't start any more. Exit code 3.
 */
export class LeaseLostError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_LEASE_LOST' = 'ERR_MPIBATCH_LEASE_LOST'
}

/**
 * A file that ranks share could not be synced, or a rank does not see what another one wrote to it; `details.path` is
 * the file. Exit code 3.
 */
export class SharedFileError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_SHARED_FILE' = 'ERR_MPIBATCH_SHARED_FILE'
}

/** A rank of the batch ended without closing it; the others can't go on. */
export class RankLostError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_RANK_LOST' = 'ERR_MPIBATCH_RANK_LOST'
}

/**
 * A function given to `MapReduce.map` threw. The message has the stack from the rank where it did; `details` has `phase`
 * (`'work'` or `'reduce'`), `index` of the item, `rank` and `host`; `cause` is what was thrown, on other ranks as an `Error`
 * with the same name, message and stack.
 */
export class WorkError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_WORK' = 'ERR_MPIBATCH_WORK'
}

/** The cluster's scheduler took no job, or could not be asked. Exit code 3. */
export class SchedulerError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_SCHEDULER' = 'ERR_MPIBATCH_SCHEDULER'
}

/**
 * MPI failed, or there is none that fits. `details` has the call, MPI's error class and this rank, where MPI reported
 * it. Exit code 3.
 */
export class MpiError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_MPI' = 'ERR_MPIBATCH_MPI'
}

/**
 * Memory that ranks or processes share could not be had: there is not so much, one of them can't reach it, or the file
 * system of a directory can't hold it. Exit code 3.
 */
export class SharedMemoryError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_SHARED_MEMORY' = 'ERR_MPIBATCH_SHARED_MEMORY'
}

/** Nobody holds a shared buffer any more that a reference names. */
export class BufferGoneError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_BUFFER_GONE' = 'ERR_MPIBATCH_BUFFER_GONE'
}

/** Something that can't happen did: a bug of ours. Exit code 70. */
export class InvariantError extends MpibatchError {
  readonly code: 'ERR_MPIBATCH_INVARIANT' = 'ERR_MPIBATCH_INVARIANT'
}

/** An error as plain data: its class would not survive a message between ranks. */
export interface EncodedError {
  /** Empty for an error that is none of ours. */
  readonly code: string
  readonly message: string
  readonly details: ErrorDetails
}

const CLASSES = [
  ConfigError,
  ConfigMismatchError,
  TasksChangedError,
  ClosedError,
  UsageError,
  LockNotHeldError,
  TimeoutError,
  TaskStateError,
  FencedError,
  ForeignWriterError,
  StoreUnusableError,
  StateCorruptError,
  StateIoError,
  LeaseLostError,
  SharedFileError,
  RankLostError,
  MpiError,
  SharedMemoryError,
  WorkError,
  BufferGoneError,
  InvariantError,
] as const

/** Turns an error into plain data for another rank. Causes and stacks stay behind; details must be plain. */
export function encodeError(error: unknown): EncodedError {
  if (error instanceof MpibatchError) {
    return { code: error.code, message: error.message, details: error.details }
  }
  return { code: '', message: error instanceof Error ? error.message : String(error), details: {} }
}

/** Makes the error of {@link encodeError} again, of the same class; a plain `Error` if it was none of ours. */
export function decodeError({ code, message, details }: EncodedError): Error {
  for (const ErrorClass of CLASSES) {
    const error = new ErrorClass(message, { details })
    if (error.code === code) return error
  }
  return new Error(message)
}
