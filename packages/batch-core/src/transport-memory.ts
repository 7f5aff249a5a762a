import type { WordParking } from './shared-window.ts'

/** Memory that processes of one node share. */
export interface MappedWords {
  /** The words, for use with `Atomics`. */
  readonly words: Int32Array
  /** Plain data with which another process of the node maps them. */
  readonly handle: unknown
  /** @defaultValue nobody can sleep on them */
  readonly parking?: WordParking
  /** Lets go of them here: the array's length is 0 from then on. */
  free(): void
}

/** Memory of any bytes that processes of one node share, seen twice by each. */
export interface MappedBytes {
  readonly writable: ArrayBuffer
  /** The same bytes; a write to them ends the process, with a sentence. */
  readonly readable: ArrayBuffer
  /** Plain data with which another process of the node maps them. */
  readonly handle: unknown
  /** No process maps them from now on. */
  seal(): void
  /** Lets go of them here: both buffers are empty from then on. */
  free(): void
}

/** What a {@link RemoteWords} does with a word; see `SharedWindow`. */
export type WordOperation = 'load' | 'store' | 'fetchAdd' | 'exchange' | 'compareExchange'

/** The words of a rank of another node. Arguments were checked before. */
export interface RemoteWords {
  /** @returns The word before the operation; 0 of a `store`. */
  operate(
    operation: WordOperation,
    index: number,
    values: { readonly value: number; readonly expected: number },
  ): Promise<number>
  read(index: number, count: number): Promise<Int32Array>
  write(index: number, values: Int32Array): Promise<void>
  accumulate(index: number, values: Int32Array): Promise<void>
}

/** Port: memory between processes, for transports whose ranks are not threads of one process. */
export interface TransportMemory {
  /** Makes words, all 0. */
  allocate(length: number): MappedWords
  /**
   * Maps words that another process of this node made.
   *
   * @throws Error where they can't be reached.
   */
  map(handle: unknown): MappedWords
  /**
   * Makes bytes, 1 at least, all 0.
   *
   * @throws {@link SharedMemoryError} if they can't be had.
   */
  allocateBytes(sizeBytes: number): MappedBytes
  /**
   * Maps bytes that another process of this node made.
   *
   * @throws {@link SharedMemoryError} where they can't be reached.
   */
  mapBytes(handle: unknown): MappedBytes
  /** Lets ranks of other nodes operate on words of this rank. @returns The number under which they find them. */
  serve(mapped: MappedWords): number
  /** Ends that. */
  stopServing(window: number): void
  /** The words that a rank serves under a number. */
  remote(ownerWorldRank: number, window: number): RemoteWords
}
