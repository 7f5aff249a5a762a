/** Lets the thread of a member sleep on a word of a window until another member wakes it (futex). */
export interface WordParking {
  /** Looks at the word while it has the value, for `microsecondsMax` at most, and lets others have the processor. */
  watch(index: number, value: number, microsecondsMax: number): void
  /** Blocks this thread while the word has the value and nobody wakes it; for `microsecondsMax` at most, or less. */
  park(index: number, value: number, microsecondsMax: number): void
  /** Wakes a thread that is parked on the word. */
  wake(index: number): void
}

/**
 * An array of Int32 words that all members of a communicator read and change, each operation atomic (MPI's window).
 *
 * `index` is 0-based and below `length`; values are Int32, sums wrap. Operations are not collective.
 * After {@link SharedWindow.close} every operation throws {@link ClosedError}.
 */
export interface SharedWindow {
  /** Number of Int32 words. */
  readonly length: number
  /**
   * The words themselves, where all members of the communicator share memory, for use with `Atomics`;
   * `undefined` where some member can't reach them.
   */
  readonly words: Int32Array | undefined
  /** Only with `words`, and only where each member is a process of its own. @defaultValue there is none */
  readonly parking?: WordParking | undefined

  /** Reads a word (MPI_Get). */
  load(index: number): Promise<number>
  /** Writes a word (MPI_Put). */
  store(index: number, value: number): Promise<void>
  /** Adds and returns the value before (MPI_Fetch_and_op, MPI_SUM). */
  fetchAdd(index: number, value: number): Promise<number>
  /** Replaces and returns the value before (MPI_Fetch_and_op, MPI_REPLACE). */
  exchange(index: number, value: number): Promise<number>
  /** Replaces if the word equals `expected`; returns the value before (MPI_Compare_and_swap). */
  compareExchange(index: number, expected: number, replacement: number): Promise<number>
  /** Reads `count` words from `index` on (MPI_Get). Each word is whole; the block need not be of one moment. */
  read(index: number, count: number): Promise<Int32Array>
  /** Writes a block from `index` on (MPI_Put), word by word; `values` must not change until it resolves. */
  write(index: number, values: Int32Array): Promise<void>
  /**
   * Adds a block from `index` on, each word atomically (MPI_Accumulate, MPI_SUM); `values` must not change until it
   * resolves.
   */
  accumulate(index: number, values: Int32Array): Promise<void>
  /** Frees the window (MPI_Win_free). Collective. */
  close(): Promise<void>
}
