/**
 * Goes over a list with all ranks, and brings the results back in order (map and reduce, Dean and Ghemawat 2004; the
 * interface is that of Python's sharedmem).
 *
 * Every rank runs the same script and makes the same calls, so functions never travel: items are known to all, and only
 * the numbers of items and their results go between ranks.
 *
 * Calling sequence: `MapReduce.open` on all ranks; then `map`, any number of times; in its work `critical` and `ordered`;
 * at the end `close` on all ranks.
 *
 * `map-run.ts` tells how one map runs, `map-turns.ts` how `ordered` does.
 */
import type { Communicator } from './communicator.ts'
import { ClosedError, RankLostError, UsageError } from './errors.ts'
import { agreeOnCall, checkMapCall, type MapCall } from './map-call.ts'
import { ChunkSequence } from './map-chunks.ts'
import { MapCollector } from './map-collector.ts'
import type { MapOptions, MapReduceOptions, MapWork } from './map-reduce-options.ts'
import { type ChunkSource, MAP_TAG, MapRun, type MapRunOptions, notInWork } from './map-run.ts'
import { MapTurns } from './map-turns.ts'
import { checkSame } from './rank-checks.ts'
import type { SharedWindow } from './shared-window.ts'
import { createSoloCommunicator } from './solo-communicator.ts'
import { TokenLock } from './token-lock.ts'

/** Word of the window with the number of the next chunk; a word for each chunk stands behind it. */
const WORD_CURSOR = 0
const WORD_FIRST_CHUNK = 1
/** A page. */
const WORDS_MIN = 1024

/** What stands by for the map that runs; of any types. */
type RunningMap = Pick<MapRun<unknown, unknown, unknown>, 'signal' | 'ordered'>

/**
 * A pool of ranks that goes over lists together: each rank takes the next items when it is free, and the results come to
 * one rank, the root, in the order of the items.
 *
 * All ranks run the same script: they open the pool, call {@link MapReduce.map} with equal items and the same functions,
 * and close it. Each item is worked on once, by any of them; the root works too.
 *
 * @example
 * ```js
 * const pool = await MapReduce.open({ communicator: await worldCommunicator() })
 * const squares = await pool.map(1000, (item) => item ** 2)    // on the root 1000 squares, elsewhere undefined
 * await pool.close()
 * ```
 */
export class MapReduce {
  readonly #communicator: Communicator
  readonly #lock: TokenLock
  readonly #debug: boolean
  /** Has the cursor, and the words of the chunks; `undefined` until a map needs it. */
  #window: SharedWindow | undefined
  #mapCount = 0
  #isBusy = false
  #running: RunningMap | undefined
  #lost: RankLostError | undefined
  #closing: Promise<void> | undefined

  private constructor(communicator: Communicator, lock: TokenLock, debug: boolean) {
    this.#communicator = communicator
    this.#lock = lock
    this.#debug = debug
  }

  /**
   * Makes a pool of the members of a communicator. Collective over it; options are equal on all ranks.
   *
   * @throws {@link ConfigMismatchError} on all ranks if they differ in `debug`.
   */
  static async open(options: MapReduceOptions): Promise<MapReduce> {
    const { communicator, debug = false } = options
    const own = communicator === null ? createSoloCommunicator() : await communicator.duplicate()
    const all = await own.allgather(debug)
    try {
      checkSame('MapReduce got debug:', all)
    } catch (error) {
      await own.close()
      throw error
    }
    return new MapReduce(own, await TokenLock.create(own), debug)
  }

  /**
   * Works on each item once, on whatever rank is free, and brings all results to the root in the order of the items.
   * Collective over the pool: every rank calls it with equal items and options, and the same functions; one map at a time.
   * Ranks compare the number of items, and some of them.
   *
   * Results travel as copies (structured clone); {@link MapOptions.reduce} takes each of them on the root, as it comes, or
   * in order. If `work` or `reduce` throws, all ranks end the item that they are at, take no other, and throw; the pool can be
   * used on.
   *
   * @param items - An array, typed or not; or a number n, for the items 0 to n - 1.
   * @param work - Computes the result of one item, or a promise of it.
   * @param options - What becomes of the results, and how items are dealt out.
   * @returns On the root, the result of each item, or what `reduce` made of it; on other ranks `undefined`.
   * @throws {@link WorkError} on all ranks if a function threw, for the first such item that is known: with its index, the
   *   rank, the host and the stack.
   * @throws {@link RankLostError} on all ranks that are left if one ended meanwhile; the pool is then lost. Under MPI the
   *   launcher ends the job.
   * @throws {@link UsageError} on all ranks if an argument can't be, {@link ConfigMismatchError} if arguments differ.
   */
  async map<Item, Result, Reduced = Result>(
    items: ArrayLike<Item>,
    work: MapWork<Item, Result>,
    options?: MapOptions<Item, Result, Reduced>,
  ): Promise<Reduced[] | undefined>
  async map<Result, Reduced = Result>(
    items: number,
    work: MapWork<number, Result>,
    options?: MapOptions<number, Result, Reduced>,
  ): Promise<Reduced[] | undefined>
  async map<Item, Result, Reduced>(
    items: ArrayLike<Item> | number,
    work: MapWork<Item, Result>,
    options: MapOptions<Item, Result, Reduced> = {},
  ): Promise<Reduced[] | undefined> {
    this.#checkUsable()
    this.#isBusy = true
    try {
      const call = await agreeOnCall(
        this.#communicator,
        () => checkMapCall(this.#communicator, items, work, options),
        (agreed) => this.#clearWords(agreed),
      )
      const itemAt = (index: number): Item =>
        // A number of items stands for a list of their indices.
        typeof items === 'number' ? (index as Item) : (items[index] as Item)
      const run = await this.#prepare(call, { work, itemAt, options })
      this.#running = run
      return await run.run()
    } catch (error) {
      if (error instanceof RankLostError) this.#lost = error
      throw error
    } finally {
      this.#running = undefined
      this.#isBusy = false
    }
  }

  /**
   * Runs a function while no other rank is in its own: ranks come in the order in which they ask ({@link TokenLock}). Not
   * collective; for use in the work of a map. It must not be called inside itself, which would wait for ever.
   *
   * @returns What the function returns.
   * @throws What the function throws; and the map's error, without calling the function, if the map fails before its turn.
   */
  async critical<T>(section: () => T | Promise<T>): Promise<T> {
    const signal = this.#running?.signal
    return await this.#lock.withLock(section, signal === undefined ? {} : { signal })
  }

  /**
   * Runs a function when the work on all items before this one has left its own, or has ended without one: so sections
   * run one by one, in the order of the items. Not collective; only in the work of a map, at most once per item. Give
   * the map `chunk: 1`, else an item waits for all that the ranks before it have taken.
   *
   * A section may use {@link MapReduce.critical}; but never the other way round, since the one who is waited for may want it too.
   *
   * @returns What the function returns.
   * @throws What the function throws; and the map's error, without calling the function, if the map fails before its turn.
   * @throws {@link UsageError} outside of work, at a second call for an item, and inside `critical`.
   */
  async ordered<T>(section: () => T | PromiseLike<T>): Promise<T> {
    if (this.#running === undefined) throw notInWork()
    if (this.#lock.held) {
      throw new UsageError(
        'ordered was called inside critical, where ranks would wait for each other for ever. Call critical inside ordered.',
      )
    }
    return await this.#running.ordered(section)
  }

  /**
   * Frees the pool. Collective; a second call returns the promise of the first.
   *
   * @throws {@link UsageError} if a map is under way, {@link RankLostError} if a rank was lost.
   */
  close(): Promise<void> {
    if (this.#isBusy) {
      return Promise.reject(
        new UsageError('The pool is closed while a map is under way. Await the map first.'),
      )
    }
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closes the pool, for `await using`. Collective. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    // Who is lost can't close its part, and the others would wait.
    if (this.#lost !== undefined) throw this.#lost
    await this.#lock.close()
    await this.#window?.close()
    await this.#communicator.close()
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) {
      throw new ClosedError('This pool was closed. Call map before close, or open another one.')
    }
    if (this.#lost !== undefined) throw this.#lost
    if (this.#isBusy) {
      throw new UsageError(
        'A map is under way on this pool, and one runs at a time. Await it first, or open another pool.',
      )
    }
  }

  /** Whether one rank runs all items, in their order. */
  get #isSequential(): boolean {
    return this.#debug || this.#communicator.size === 1
  }

  /** On rank 0, while no other rank is in a map. A window that is too short is replaced by a new one. */
  async #clearWords(call: MapCall): Promise<void> {
    const length = wordCountOf(call)
    if (this.#window === undefined || length > this.#window.length) return
    await this.#window.write(0, new Int32Array(length))
  }

  /** Collective. */
  async #prepare<Item, Result, Reduced>(
    call: MapCall,
    {
      work,
      itemAt,
      options,
    }: {
      readonly work: MapWork<Item, Result>
      readonly itemAt: (index: number) => Item
      readonly options: MapOptions<Item, Result, Reduced>
    },
  ): Promise<MapRun<Item, Result, Reduced>> {
    const { itemCount, chunk, root } = call
    const { rank, size } = this.#communicator
    const rule = { itemCount, rankCount: size, size: this.#debug ? 1 : chunk }
    const { reduce, ordered = false } = options
    this.#mapCount += 1
    return new MapRun({
      communicator: this.#communicator,
      root,
      work,
      itemAt,
      chunks: new ChunkSequence(rule),
      ...(await this.#share(call)),
      collector: rank === root ? new MapCollector({ itemCount, itemAt, reduce, ordered }) : undefined,
    })
  }

  /** Where chunks come from, and who passes when. Collective. */
  async #share(call: MapCall): Promise<Pick<MapRunOptions<unknown, unknown, unknown>, 'source' | 'turns'>> {
    if (this.#isSequential) {
      const isWorking = this.#communicator.rank === call.root
      return { source: isWorking ? countingSource() : undefined, turns: undefined }
    }
    const { chunkCount } = call
    const window = await this.#windowOf(wordCountOf(call))
    const source: ChunkSource = {
      next: () => window.fetchAdd(WORD_CURSOR, 1),
      end: () => window.store(WORD_CURSOR, chunkCount),
    }
    const turns = new MapTurns({
      communicator: this.#communicator,
      tag: MAP_TAG.turn,
      window,
      firstWord: WORD_FIRST_CHUNK,
      chunkCount,
      map: this.#mapCount,
    })
    return { source, turns }
  }

  /** The pool's window, long enough. Collective. */
  async #windowOf(length: number): Promise<SharedWindow> {
    if (this.#window !== undefined && this.#window.length >= length) return this.#window
    await this.#window?.close()
    const doubled = 2 ** Math.ceil(Math.log2(Math.max(length, WORDS_MIN)))
    this.#window = await this.#communicator.createWindow({ length: doubled })
    return this.#window
  }
}

function wordCountOf({ chunkCount }: MapCall): number {
  return WORD_FIRST_CHUNK + chunkCount
}

/** Chunks of a rank that shares them with nobody. */
function countingSource(): ChunkSource {
  let count = 0
  return {
    next: async () => {
      count += 1
      return count - 1
    },
    end: async () => undefined,
  }
}
