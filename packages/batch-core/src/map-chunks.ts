/** Runs of items that ranks take at once, as a rule that every rank computes for itself. Pure. */
import { UsageError } from './errors.ts'

/** A run of items. */
export interface Chunk {
  /** Counts the chunks of a map from 0, in the order of their items. */
  readonly number: number
  /** Index of the first item. */
  readonly first: number
  /** Index behind the last item. */
  readonly end: number
}

/** What the chunks of a map depend on; equal on all ranks. */
export interface ChunkRule {
  readonly itemCount: number
  readonly rankCount: number
  /** Items of each chunk; `undefined` for {@link guidedSize}. */
  readonly size: number | undefined
}

/** Most items of a chunk that nobody asked for: what is done comes to the root, and can be stopped, so much at a time. */
const SIZE_MAX = 1024
/** In how many parts a rank takes its share of what is left. */
const PARTS = 4
/** Each has a word in a window. */
const COUNT_MAX = 2 ** 24

/**
 * A quarter of a rank's share of the items that are left, 1 to 1024 (guided self-scheduling, Polychronopoulos and Kuck
 * 1987): few chunks for many items, and single items at the end, so that all ranks end at about the same time.
 */
function guidedSize(leftCount: number, rankCount: number): number {
  return Math.min(SIZE_MAX, Math.max(1, Math.floor(leftCount / (PARTS * rankCount))))
}

/**
 * Counts the chunks.
 *
 * @throws {@link UsageError} if they are too many.
 */
export function countChunks(rule: ChunkRule): number {
  const { itemCount, size } = rule
  const count = size === undefined ? countGuided(rule) : Math.ceil(itemCount / size)
  if (count <= COUNT_MAX) return count
  throw new UsageError(
    `${itemCount} items in chunks of ${size ?? 'the default size'} are ${count} chunks, more than ${COUNT_MAX}. Take larger chunks.`,
  )
}

function countGuided({ itemCount, rankCount }: ChunkRule): number {
  let count = 0
  for (let left = itemCount; left > 0; count += 1) left -= guidedSize(left, rankCount)
  return count
}

/** The chunks of a map, in order. */
export class ChunkSequence {
  readonly #rule: ChunkRule
  #number = 0
  #first = 0

  constructor(rule: ChunkRule) {
    this.#rule = rule
  }

  /** The chunk with the number, which must be larger than the one asked for before; `undefined` behind the last one. */
  at(number: number): Chunk | undefined {
    const { itemCount } = this.#rule
    for (; this.#first < itemCount; this.#number += 1) {
      const { size = guidedSize(itemCount - this.#first, this.#rule.rankCount) } = this.#rule
      const first = this.#first
      this.#first = Math.min(itemCount, first + size)
      if (this.#number === number) {
        this.#number += 1
        return { number, first, end: this.#first }
      }
    }
    return undefined
  }
}
