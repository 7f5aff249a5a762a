import type { MapReducer } from './map-reduce-options.ts'

/** Results of a run of items. */
export interface MapPart<Result> {
  /** Index of the first item. */
  readonly first: number
  readonly results: readonly Result[]
}

/** What {@link MapCollector} needs. */
export interface MapCollectorOptions<Item, Result, Reduced> {
  readonly itemCount: number
  readonly itemAt: (index: number) => Item
  readonly reduce: MapReducer<Item, Result, Reduced> | undefined
  /** Whether `reduce` is called in the order of the items. */
  readonly ordered: boolean
}

/** All results of a map, on its root. */
export class MapCollector<Item, Result, Reduced> {
  /** By item; whole when all parts were added. */
  readonly results: Reduced[]
  /** Index of the item whose result is being reduced. */
  index = 0
  readonly #options: MapCollectorOptions<Item, Result, Reduced>
  /** Parts that have come before their turn, by the index of their first item. */
  readonly #early = new Map<number, MapPart<Result>>()
  #next = 0

  constructor(options: MapCollectorOptions<Item, Result, Reduced>) {
    this.#options = options
    this.results = new Array<Reduced>(options.itemCount)
  }

  /** Takes results, and reduces those whose turn it is; one part at a time. */
  async add(part: MapPart<Result>): Promise<void> {
    const { reduce, ordered } = this.#options
    if (reduce === undefined) {
      // Without a reduce, a result stands as it is.
      const results = part.results as readonly unknown[] as readonly Reduced[]
      for (const [offset, result] of results.entries()) this.results[part.first + offset] = result
      return
    }
    if (!ordered) {
      await this.#reduce(part, reduce)
      return
    }
    this.#early.set(part.first, part)
    for (let next = this.#early.get(this.#next); next !== undefined; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next)
      this.#next += next.results.length
      await this.#reduce(next, reduce)
    }
  }

  async #reduce(
    { first, results }: MapPart<Result>,
    reduce: MapReducer<Item, Result, Reduced>,
  ): Promise<void> {
    for (const [offset, result] of results.entries()) {
      this.index = first + offset
      const reduced = reduce(result, this.index, this.#options.itemAt(this.index))
      this.results[this.index] = isThenable(reduced) ? await reduced : reduced
    }
  }
}

/** Whether a value has to be waited for; to wait for others would cost more than small work. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}
