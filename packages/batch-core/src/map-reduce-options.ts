import type { Communicator } from './communicator.ts'

/** How {@link MapReduce.open} makes a pool. */
export interface MapReduceOptions {
  /** The ranks that work; `null` for this thread alone. */
  readonly communicator: Communicator | null
  /**
   * Runs everything on the root, in the order of the items, and each `reduce` right after its item, so that one thread
   * shows what happens; the other ranks wait. Equal on all ranks.
   *
   * @defaultValue false
   */
  readonly debug?: boolean
}

/**
 * Computes the result of one item. It runs once for each, on any rank: what it changes there stays there, and what it
 * returns goes to the root as a copy, so that has to be structured-cloneable. It may not make collective calls.
 */
export type MapWork<Item, Result> = (item: Item, index: number) => Result | PromiseLike<Result>

/**
 * Takes one result on the root, in the scope of whoever called {@link MapReduce.map} there. Never runs at the same time as
 * another one, or as work on the root. What it returns stands for the result from then on.
 */
export type MapReducer<Item, Result, Reduced> = (
  result: Result,
  index: number,
  item: Item,
) => Reduced | PromiseLike<Reduced>

/** How {@link MapReduce.map} goes over the items. */
export interface MapOptions<Item, Result, Reduced> {
  /** Called on the root for each result, as results arrive. @defaultValue results stay as they are */
  readonly reduce?: MapReducer<Item, Result, Reduced>
  /** Calls `reduce` in the order of the items; what comes before its turn is kept until then. @defaultValue false */
  readonly ordered?: boolean
  /**
   * Number of items that a rank takes at once. 1 is right for long work of uneven length, and wherever the work uses
   * {@link MapReduce.ordered}, since a rank works on the items of a chunk one after another. Equal on all ranks.
   *
   * @defaultValue a quarter of a rank's share of the items that are left, at least 1, at most 1024: a million small items are taken
   *   in about a thousand steps, and ten long ones one by one
   */
  readonly chunk?: number
  /** Rank that gets the results. Equal on all ranks. @defaultValue 0 */
  readonly root?: number
}
