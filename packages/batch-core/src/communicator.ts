import type { SharedMemory } from './shared-memory.ts'
import type { SharedWindow } from './shared-window.ts'

/** A received message. */
export interface Message<T> {
  /** A copy of what was sent. */
  readonly data: T
  /** Rank of the sender in this communicator. */
  readonly source: number
  /** Tag of the message. */
  readonly tag: number
}

/** Where a message goes. */
export interface SendOptions {
  /** Rank of the receiver in this communicator; may be the sender itself. */
  readonly destination: number
  /** Number that tells messages of one sender apart, 0 to 32767. @defaultValue 0 */
  readonly tag?: number
}

/** How long a call waits for other members. */
export interface WaitOptions {
  /** Milliseconds to wait before {@link TimeoutError}; without it, for ever. */
  readonly timeoutMs?: number
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Which message is wanted, and how long to wait for it. */
export interface ReceiveOptions extends WaitOptions {
  /** Rank of the sender; any rank if left out. */
  readonly source?: number
  /** Tag of the message; any tag if left out. */
  readonly tag?: number
}

/** Which rank's value counts, or receives. */
export interface RootOptions extends WaitOptions {
  /** The rank, equal on all members. @defaultValue 0 */
  readonly root?: number
}

/** How {@link Communicator.split} makes the new communicators. */
export interface SplitOptions extends WaitOptions {
  /** Members of one color come together; `undefined` joins none. */
  readonly color: number | undefined
  /** Order of the ranks in the new communicator; the old rank breaks ties. @defaultValue 0 */
  readonly key?: number
}

/** Operations of {@link Communicator.allreduce}, over numbers. */
export type ReduceOperation = 'sum' | 'product' | 'min' | 'max'

/** Numbers that {@link Communicator.allreduce} combines: one, or an array of equal length on all members. */
export type Reducible = number | readonly number[] | Float64Array | Int32Array

/**
 * An ordered set of ranks that exchange messages (MPI's communicator).
 *
 * "Collective" means that every member calls it, in the same order relative to the other collective calls on this
 * communicator. Messages of one sender and tag arrive in the order in which they were sent. What is sent must be
 * structured-cloneable; the receiver gets a copy (typed arrays over a SharedArrayBuffer stay shared where ranks are
 * threads). Messages of different communicators never mix.
 *
 * A collective call that waits no longer (`timeoutMs`, `signal`) leaves its part undone: members that depend on it go on
 * waiting, unless they give up too. The communicator can be used on; the members still have to make the same calls.
 */
export interface Communicator {
  /** This member's rank, 0 to `size - 1`. */
  readonly rank: number
  /** Number of members. */
  readonly size: number
  /** Whether all ranks are threads of one process, so that what is sent may hold a SharedArrayBuffer. */
  readonly sharesProcess: boolean

  /** Sends a message (MPI_Send). Resolves when `data` may be changed again; not collective. */
  send(data: unknown, options: SendOptions): Promise<void>
  /** Receives the first message that fits (MPI_Recv); not collective. */
  receive<T = unknown>(options?: ReceiveOptions): Promise<Message<T>>
  /** Resolves when every member has called it (MPI_Barrier). Collective. */
  barrier(options?: WaitOptions): Promise<void>
  /** Gives every member a copy of the root's value (MPI_Bcast). Collective; `value` counts on the root only. */
  broadcast<T>(value: T, options?: RootOptions): Promise<T>
  /** Gives the root the values of all members in rank order, others `undefined` (MPI_Gather). Collective. */
  gather<T>(value: T, options?: RootOptions): Promise<T[] | undefined>
  /** Gives every member the values of all members in rank order (MPI_Allgather). Collective. */
  allgather<T>(value: T, options?: WaitOptions): Promise<T[]>
  /**
   * Combines the members' numbers, element by element, always in rank order, so that every member gets the same bits
   * (MPI_Allreduce). Collective; kind and length equal on all members.
   */
  allreduce<T extends Reducible>(value: T, operation: ReduceOperation, options?: WaitOptions): Promise<T>
  /** Makes one new communicator per color (MPI_Comm_split). Collective; `undefined` for a member without color. */
  split(options: SplitOptions): Promise<Communicator | undefined>
  /** Makes a communicator per set of members that share memory (MPI_Comm_split_type, SHARED). Collective. */
  splitByNode(options?: WaitOptions): Promise<Communicator>
  /** Makes a communicator of the same members with messages of its own (MPI_Comm_dup). Collective. */
  duplicate(options?: WaitOptions): Promise<Communicator>
  /** Makes an array of Int32 words, all 0, that every member reads and changes atomically. Collective. */
  createWindow(options: { readonly length: number }): Promise<SharedWindow>
  /**
   * Makes memory, all 0, that every member sees at once (MPI_Win_allocate_shared). Collective.
   *
   * @throws {@link UsageError} on all members if they are on several nodes: `splitByNode` makes communicators of those
   *   that share memory.
   * @throws {@link SharedMemoryError} on all members if there is not so much memory, or one of them can't reach it.
   */
  allocateShared(options: { readonly sizeBytes: number }): Promise<SharedMemory>
  /** Frees the communicator (MPI_Comm_free). Collective; calls after it throw {@link ClosedError}. */
  close(): Promise<void>
}
