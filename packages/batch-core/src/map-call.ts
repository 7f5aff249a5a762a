/** One call of `map` as its ranks agree on it. */
import { inspect } from 'node:util'
import type { Communicator } from './communicator.ts'
import { type Decision, decisionOf, resultOf } from './decision.ts'
import { ConfigMismatchError, UsageError } from './errors.ts'
import { invariant } from './invariant.ts'
import { countChunks } from './map-chunks.ts'
import type { MapOptions, MapWork } from './map-reduce-options.ts'
import { checkRank } from './rank-checks.ts'

/** What is equal on all ranks, of a call that can be. */
export interface MapCall {
  readonly itemCount: number
  /** Items of a chunk; `undefined` for the default. */
  readonly chunk: number | undefined
  readonly chunkCount: number
  readonly root: number
  /** Some items, as texts. */
  readonly sample: readonly string[]
}

/** Items compared between ranks: to compare all would cost more than small work. */
const SAMPLE_COUNT = 8
const ITEM_COUNT_MAX = 2 ** 31 - 1

/** How a sampled item is told: enough to see that ranks have different lists, whatever the items are. */
const SAMPLE_STYLE = {
  depth: 0,
  maxArrayLength: 4,
  maxStringLength: 60,
  breakLength: Number.POSITIVE_INFINITY,
}

/**
 * Checks one rank's call.
 *
 * @throws {@link UsageError} if it can't be.
 */
export function checkMapCall<Item, Result, Reduced>(
  communicator: Communicator,
  items: ArrayLike<Item> | number,
  work: MapWork<Item, Result>,
  options: MapOptions<Item, Result, Reduced>,
): MapCall {
  const { chunk, root = 0, reduce } = options
  const itemCount = typeof items === 'number' ? items : items?.length
  if (!Number.isInteger(itemCount) || itemCount < 0 || itemCount > ITEM_COUNT_MAX) {
    const given = typeof items === 'number' ? `the number ${items}` : inspect(items, SAMPLE_STYLE)
    throw new UsageError(
      `map goes over an array, or a number of items from 0 to ${ITEM_COUNT_MAX}, but got ${given}.`,
    )
  }
  for (const [name, value] of Object.entries({ work, reduce })) {
    if (typeof value === 'function' || (name === 'reduce' && value === undefined)) continue
    throw new UsageError(`map got ${inspect(value, SAMPLE_STYLE)} as ${name}, which has to be a function.`)
  }
  if (chunk !== undefined && !(Number.isSafeInteger(chunk) && chunk >= 1)) {
    throw new UsageError(
      `The chunk is ${chunk}, but has to be a number of items, 1 or more. Leave it out for the default.`,
    )
  }
  checkRank('The root', root, communicator.size)
  const chunkCount = countChunks({ itemCount, rankCount: communicator.size, size: chunk })
  return { itemCount, chunk, chunkCount, root, sample: typeof items === 'number' ? [] : sampleOf(items) }
}

/**
 * Compares the calls of all ranks. Collective; if one can't be, or differs, all throw.
 *
 * @param check - Makes this rank's call, or throws a {@link UsageError}.
 * @param prepare - Called on rank 0 when all agree, before any other rank goes on.
 */
export async function agreeOnCall(
  communicator: Communicator,
  check: () => MapCall,
  prepare: (call: MapCall) => Promise<void>,
): Promise<MapCall> {
  const calls = await communicator.gather(decisionOf(check))
  const decision = calls && decisionOf(() => agreedCall(calls))
  if (decision !== undefined && 'result' in decision) await prepare(decision.result)
  return resultOf(await communicator.broadcast(decision))
}

function agreedCall(calls: readonly Decision<MapCall>[]): MapCall {
  const [first, ...others] = calls.map((call, rank) => {
    if ('result' in call) return call.result
    const { message } = call.failure
    throw new UsageError(rank === 0 ? message : `Rank ${rank}: ${message}`)
  })
  invariant(first !== undefined, 'A map is called by no rank')
  for (const [index, other] of others.entries()) {
    const difference = differenceOf(first, other)
    if (difference === undefined) continue
    throw new ConfigMismatchError(
      `map got ${difference.one} on rank 0 but ${difference.other} on rank ${index + 1}. Give the same on all ranks.`,
    )
  }
  return first
}

function differenceOf(one: MapCall, other: MapCall): { one: string; other: string } | undefined {
  if (one.itemCount !== other.itemCount) {
    return { one: `${one.itemCount} items`, other: `${other.itemCount}` }
  }
  if (one.root !== other.root) return { one: `the root ${one.root}`, other: `${other.root}` }
  if (one.chunk !== other.chunk) return { one: `the chunk ${one.chunk}`, other: `${other.chunk}` }
  const place = Array.from({ length: Math.max(one.sample.length, other.sample.length) }, (_, index) => index)
  const index = place.find((index) => one.sample[index] !== other.sample[index])
  if (index === undefined) return undefined
  return { one: `the item ${one.sample[index]}`, other: `${other.sample[index]}` }
}

/** Some items from the first to the last, each with its index. */
function sampleOf(items: ArrayLike<unknown>): string[] {
  const count = Math.min(SAMPLE_COUNT, items.length)
  return Array.from({ length: count }, (_, place) => {
    const index = count === 1 ? 0 : Math.floor((place * (items.length - 1)) / (count - 1))
    return `${inspect(items[index], SAMPLE_STYLE)} at ${index}`
  })
}
