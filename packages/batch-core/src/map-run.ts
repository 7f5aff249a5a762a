/**
 * One map, from its first item to the end on all ranks.
 *
 * Ranks take chunks by an atomic add on a cursor, and send their results to the root. The root works too; it takes
 * what has arrived between two of its own items. At the end each rank tells the root so, and the root tells all how the
 * map ended: that word is the last one of a map, so that nothing of it can reach the next.
 *
 * Failure: the rank on which a function throws moves the cursor to the end, stops, and tells the root, which tells the
 * others: they end the item they are at and take no other. What waits for its turn is woken with the error. The root
 * receives from each rank by itself, so that it hears of one that ended.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Communicator } from './communicator.ts'
import { RankLostError, UsageError } from './errors.ts'
import type { Chunk, ChunkSequence } from './map-chunks.ts'
import { isThenable, type MapCollector, type MapPart } from './map-collector.ts'
import { type MapFault, MapFaults } from './map-failure.ts'
import { MapInbox } from './map-inbox.ts'
import type { MapWork } from './map-reduce-options.ts'
import type { MapTurns } from './map-turns.ts'

/** Tags of a pool's messages. */
export const MAP_TAG = { results: 0, control: 1, turn: 2 } as const

/** Longest time that small items run in a row before messages are looked at. */
const TURN_MS = 5

/** What workers tell the root. */
type WorkerWord<Result> = MapPart<Result> | { readonly end: MapFault | undefined }
/** What the root tells workers: a fault to stop for, and how it ended. */
type RootWord = { readonly stop: MapFault } | { readonly over: MapFault | undefined }

/** Chunks that nobody else has. */
export interface ChunkSource {
  /** The number of the next one. */
  next(): Promise<number>
  /** Lets nobody take any more. */
  end(): Promise<void>
}

/** What {@link MapRun} needs. */
export interface MapRunOptions<Item, Result, Reduced> {
  readonly communicator: Communicator
  readonly root: number
  readonly work: MapWork<Item, Result>
  readonly itemAt: (index: number) => Item
  readonly chunks: ChunkSequence
  /** `undefined` on ranks that only wait. */
  readonly source: ChunkSource | undefined
  /** `undefined` where one rank runs all items in their order. */
  readonly turns: MapTurns | undefined
  /** On the root only. */
  readonly collector: MapCollector<Item, Result, Reduced> | undefined
}

/** See the top of this file. */
export class MapRun<Item, Result, Reduced> {
  readonly #options: MapRunOptions<Item, Result, Reduced>
  readonly #stop = new AbortController()
  readonly #faults: MapFaults
  readonly #inbox = new MapInbox<MapPart<Result>>()
  readonly #others: readonly number[]
  #chunk: Chunk | undefined
  /** The item that this rank works on. */
  #index: number | undefined
  /** The item whose ordered section was the last one here. */
  #orderedIndex = -1
  #hasEntered = false
  #hasPassed = false
  #lookMs = performance.now()

  constructor(options: MapRunOptions<Item, Result, Reduced>) {
    const { rank, size } = options.communicator
    this.#options = options
    this.#faults = new MapFaults(rank)
    this.#others = Array.from({ length: size }, (_, other) => other).filter((other) => other !== rank)
  }

  /** Aborts when the map has failed, with its error. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Runs this rank's part. Collective. @returns All results on the root. */
  async run(): Promise<Reduced[] | undefined> {
    const { collector } = this.#options
    const fault = collector === undefined ? await this.#runWorker() : await this.#runRoot(collector)
    if (fault !== undefined) throw this.#faults.errorOf(fault)
    return collector?.results
  }

  /** Runs a function when all items before the current one have left theirs. */
  async ordered<T>(section: () => T | PromiseLike<T>): Promise<T> {
    const [chunk, index] = [this.#chunk, this.#index]
    if (chunk === undefined || index === undefined) throw notInWork()
    if (this.#orderedIndex === index) {
      throw new UsageError(`The work on item ${index} called ordered twice. Do all of it in one section.`)
    }
    this.#orderedIndex = index
    this.#stop.signal.throwIfAborted()
    if (!this.#hasEntered) {
      await this.#options.turns?.enter(chunk.number, this.#stop.signal)
      this.#hasEntered = true
    }
    const result = await section()
    // The next chunk need not wait for the rest of this item's work.
    if (index === chunk.end - 1) await this.#pass(chunk)
    return result
  }

  async #runWorker(): Promise<MapFault | undefined> {
    const over = this.#listen()
    over.catch((reason) => this.#stop.abort(reason))
    try {
      await this.#workOn(undefined)
      await this.#post(this.#options.root, { end: this.#faults.first })
      return await over
    } catch (error) {
      // Only the root can be missed here.
      if (error instanceof RankLostError) return this.#faults.addLoss(error)
      throw error
    }
  }

  async #listen(): Promise<MapFault | undefined> {
    const { communicator, root } = this.#options
    for (;;) {
      const { data } = await communicator.receive<RootWord>({ source: root, tag: MAP_TAG.control })
      if ('over' in data) return data.over
      this.#stop.abort(this.#faults.errorOf(data.stop))
    }
  }

  async #runRoot(collector: MapCollector<Item, Result, Reduced>): Promise<MapFault | undefined> {
    const heard = Promise.all(this.#others.map((source) => this.#hear(source)))
    // What goes wrong there is thrown below.
    const close = (): void => this.#inbox.close()
    heard.then(close, close)
    await this.#workOn(collector)
    for (;;) {
      const part = await this.#inbox.take()
      if (part === undefined) break
      await this.#collect(collector, part)
    }
    await heard
    const fault = this.#faults.first
    await this.#tellOthers({ over: fault })
    return fault
  }

  /** Takes all that one rank sends, to its end. */
  async #hear(source: number): Promise<void> {
    const { communicator } = this.#options
    try {
      for (;;) {
        const { data } = await communicator.receive<WorkerWord<Result>>({ source, tag: MAP_TAG.results })
        if ('end' in data) {
          if (data.end !== undefined) await this.#fail(this.#faults.add(data.end))
          return
        }
        this.#inbox.push(data)
      }
    } catch (error) {
      if (!(error instanceof RankLostError)) throw error
      await this.#fail(this.#faults.addLoss(error))
    }
  }

  /** Takes chunks and works on them until none is left, or the map is stopped. Notes what fails. */
  async #workOn(collector: MapCollector<Item, Result, Reduced> | undefined): Promise<void> {
    const { source, chunks } = this.#options
    if (source === undefined) return
    let passing = Promise.resolve()
    try {
      while (!this.#stop.signal.aborted) {
        const chunk = chunks.at(await source.next())
        if (chunk === undefined) break
        const results = await this.#runChunk(chunk, collector)
        if (results === undefined) break
        await passing
        passing = this.#pass(chunk)
        // Awaited with the next chunk, or at the end.
        passing.catch(() => undefined)
        const part = { first: chunk.first, results }
        if (collector === undefined) await this.#sendResults(part)
        else await this.#collect(collector, part)
      }
      await passing
    } catch (error) {
      if (!this.#stop.signal.aborted) await this.#failAt(error, this.#chunk?.first ?? 0)
    }
    // Nothing of this map may come to the words that the next one uses.
    await passing.catch(() => undefined)
    this.#chunk = undefined
  }

  /** @returns `undefined` if the map was stopped. */
  async #runChunk(
    chunk: Chunk,
    collector: MapCollector<Item, Result, Reduced> | undefined,
  ): Promise<Result[] | undefined> {
    const { work, itemAt } = this.#options
    const { signal } = this.#stop
    this.#chunk = chunk
    this.#hasEntered = false
    this.#hasPassed = false
    const results: Result[] = []
    for (let index = chunk.first; index < chunk.end; index += 1) {
      this.#index = index
      try {
        const result = work(itemAt(index), index)
        results.push(isThenable(result) ? await result : result)
      } catch (error) {
        // After a stop, what fails is what was woken by it.
        if (!signal.aborted) await this.#failAt(error, index)
      }
      this.#index = undefined
      if (performance.now() - this.#lookMs > TURN_MS) await this.#look()
      while (collector !== undefined && this.#inbox.isFilled) {
        const part = await this.#inbox.take()
        if (part !== undefined) await this.#collect(collector, part)
      }
      if (signal.aborted) return undefined
    }
    return results
  }

  /** Lets messages in. */
  async #look(): Promise<void> {
    await nextTurn()
    this.#lookMs = performance.now()
  }

  async #pass(chunk: Chunk): Promise<void> {
    if (this.#hasPassed) return
    this.#hasPassed = true
    await this.#options.turns?.pass(chunk.number, this.#hasEntered)
  }

  async #collect(collector: MapCollector<Item, Result, Reduced>, part: MapPart<Result>): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await collector.add(part)
    } catch (error) {
      await this.#fail(this.#faults.addThrown(error, { phase: 'reduce', index: collector.index }))
    }
  }

  async #sendResults(part: MapPart<Result>): Promise<void> {
    try {
      await this.#post(this.#options.root, part)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const offset = part.results.findIndex((result) => !isCloneable(result))
      await this.#failAt(error, part.first + Math.max(0, offset))
    }
  }

  async #failAt(error: unknown, index: number): Promise<void> {
    await this.#fail(this.#faults.addThrown(error, { phase: 'work', index }))
  }

  async #fail(fault: MapFault): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(this.#faults.errorOf(fault))
    if (this.#options.collector !== undefined) await this.#tellOthers({ stop: fault })
    // A window may have been lost with its owner.
    await this.#options.source?.end().catch(() => undefined)
  }

  async #tellOthers(word: RootWord): Promise<void> {
    for (const destination of this.#others) {
      await this.#options.communicator.send(word, { destination, tag: MAP_TAG.control }).catch((error) => {
        if (!(error instanceof RankLostError)) throw error
      })
    }
  }

  async #post(destination: number, word: WorkerWord<Result>): Promise<void> {
    await this.#options.communicator.send(word, { destination, tag: MAP_TAG.results })
  }
}

/** The error of a call that only work can make. */
export function notInWork(): UsageError {
  return new UsageError(
    'ordered was called outside of the work of a map. Call it, and await it, in the work.',
  )
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
