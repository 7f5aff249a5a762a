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
  /** Lets ranks of other nodes operate on words of this rank. @returns The number under which they find them. */
  serve(mapped: MappedWords): number
  /** Ends that. */
  stopServing(window: number): void
  /** The words that a rank serves under a number. */
  remote(ownerWorldRank: number, window: number): RemoteWords
}
