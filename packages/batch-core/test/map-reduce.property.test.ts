import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { WorkError } from '../src/errors.ts'
import { ChunkSequence, countChunks } from '../src/map-chunks.ts'
import { MapReduce } from '../src/map-reduce.ts'
import { createLoopback, withRemoteWindows } from '../src/testing/index.ts'

const SEED = 20_261_121
const RUNS = 200

/** What the work on one item does, in this order. */
interface ItemPlan {
  readonly critical: boolean
  readonly ordered: boolean
  readonly pauses: number
  /** Where it throws, if it does. */
  readonly fails: 'before' | 'inside' | 'after' | 'reduce' | undefined
}

interface Plan {
  readonly size: number
  readonly remote: boolean
  readonly items: readonly ItemPlan[]
  readonly root: number
  readonly chunk: number | undefined
  readonly reducesInOrder: boolean
}

const itemPlans: fc.Arbitrary<ItemPlan> = fc.record({
  critical: fc.boolean(),
  ordered: fc.boolean(),
  pauses: fc.nat(2),
  fails: fc.oneof(
    { weight: 15, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('before' as const, 'inside' as const, 'after' as const, 'reduce' as const),
    },
  ),
})

const plans: fc.Arbitrary<Plan> = fc
  .record({
    size: fc.integer({ min: 1, max: 4 }),
    remote: fc.boolean(),
    items: fc.array(itemPlans, { maxLength: 14 }),
    root: fc.nat(3),
    chunk: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    reducesInOrder: fc.boolean(),
  })
  .map((plan) => ({ ...plan, root: plan.root % plan.size }))

type Scheduler = Pick<fc.Scheduler, 'schedule' | 'waitFor'>

/** What all ranks together have done. */
class Observed {
  readonly started: number[] = []
  readonly ordered: number[] = []
  readonly reduced: number[] = []
  insideCritical = 0
  insideOrdered = 0
}

/** The loopback's ranks under a scheduler, if asked as if each were on a node of its own. */
function ranksOn(scheduler: Scheduler, { size, remote }: Plan): Communicator[] {
  const ranks = createLoopback(size, {
    schedule: (deliver, label) => void scheduler.schedule(Promise.resolve(), label).then(deliver),
  })
  if (!remote) return ranks
  return ranks.map((rank) =>
    withRemoteWindows(rank, async ({ operation }, run) => {
      await scheduler.schedule(Promise.resolve(), `rank ${rank.rank}: ${operation}`)
      return run()
    }),
  )
}

class Rank {
  readonly #pool: MapReduce
  readonly #plan: Plan
  readonly #seen: Observed
  readonly #pause: () => Promise<unknown>

  constructor(pool: MapReduce, plan: Plan, seen: Observed, pause: () => Promise<unknown>) {
    this.#pool = pool
    this.#plan = plan
    this.#seen = seen
    this.#pause = pause
  }

  map(): Promise<string[] | undefined> {
    const { items, root, chunk, reducesInOrder } = this.#plan
    return this.#pool.map(items, (item, index) => this.#work(item, index), {
      root,
      ordered: reducesInOrder,
      ...(chunk === undefined ? {} : { chunk }),
      reduce: async (result, index, item) => {
        expect(item).toBe(items[index])
        this.#seen.reduced.push(index)
        await this.#pause()
        if (item.fails === 'reduce') throw new Error(`reduce of ${index}`)
        return `${result}!`
      },
    })
  }

  async #work(item: ItemPlan, index: number): Promise<string> {
    const { ordered, critical, pauses, fails } = item
    this.#seen.started.push(index)
    for (let pause = 0; pause < pauses; pause += 1) await this.#pause()
    if (fails === 'before') throw new Error(`before ${index}`)
    if (ordered) await this.#pool.ordered(() => this.#inOrder(item, index))
    else if (critical) await this.#pool.critical(() => this.#alone(item, index))
    if (fails === 'after') throw new Error(`after ${index}`)
    return `result ${index}`
  }

  async #inOrder(item: ItemPlan, index: number): Promise<void> {
    this.#seen.insideOrdered += 1
    expect(this.#seen.insideOrdered).toBe(1)
    this.#seen.ordered.push(index)
    await this.#pause()
    if (item.critical) await this.#pool.critical(() => this.#alone(item, index))
    else if (item.fails === 'inside') throw new Error(`inside ${index}`)
    this.#seen.insideOrdered -= 1
  }

  async #alone({ fails }: ItemPlan, index: number): Promise<void> {
    this.#seen.insideCritical += 1
    expect(this.#seen.insideCritical).toBe(1)
    await this.#pause()
    this.#seen.insideCritical -= 1
    if (fails === 'inside') throw new Error(`inside ${index}`)
  }
}

/** Indices of the items that make the map fail, as far as their work comes that far. */
function failing({ items }: Plan): number[] {
  return items.flatMap(({ fails, ordered, critical }, index) =>
    fails === undefined || (fails === 'inside' && !ordered && !critical) ? [] : [index],
  )
}

function expectWhole(plan: Plan, seen: Observed, results: readonly (string[] | undefined)[]): void {
  const all = plan.items.map((_, index) => index)
  const inOrder = (one: number, other: number): number => one - other
  expect(seen.started.toSorted(inOrder)).toEqual(all)
  expect(seen.ordered).toEqual(all.filter((index) => plan.items[index]?.ordered))
  expect(plan.reducesInOrder ? seen.reduced : seen.reduced.toSorted(inOrder)).toEqual(all)
  for (const [rank, result] of results.entries()) {
    expect(result).toEqual(rank === plan.root ? all.map((index) => `result ${index}!`) : undefined)
  }
}

describe(`map under any schedule (seed ${SEED})`, () => {
  it('does each item once, in the orders that were asked for, or fails on all ranks and goes on', async () => {
    let failedCount = 0
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
        const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve(), 'pause')
        const run = async (): Promise<void> => {
          const pools = await Promise.all(
            ranksOn(scheduler, plan).map((communicator) => MapReduce.open({ communicator })),
          )
          // A second map finds nothing of the first, however that ended.
          for (const items of [plan.items, plan.items.map((item) => ({ ...item, fails: undefined }))]) {
            const seen = new Observed()
            const current = { ...plan, items }
            const outcomes = await Promise.allSettled(
              pools.map((pool) => new Rank(pool, current, seen, pause).map()),
            )
            const bad = failing(current)
            if (bad.length === 0) {
              expectWhole(
                current,
                seen,
                outcomes.map((outcome) => {
                  if (outcome.status === 'rejected') throw outcome.reason
                  return outcome.value
                }),
              )
              continue
            }
            failedCount += 1
            expectFailed(outcomes, bad)
            expect(new Set(seen.started).size).toBe(seen.started.length)
            expect(seen.ordered).toEqual(seen.ordered.toSorted((one, other) => one - other))
          }
          await Promise.all(pools.map((pool) => pool.close()))
        }
        await scheduler.waitFor(run())
      }),
      { seed: SEED, numRuns: RUNS },
    )
    expect(failedCount).toBeGreaterThan(RUNS / 5)
  })
})

function expectFailed(outcomes: readonly PromiseSettledResult<unknown>[], bad: readonly number[]): void {
  const errors = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : 'none'))
  for (const error of errors) {
    expect(error).toBeInstanceOf(WorkError)
    expect(bad).toContain(error.details.index)
    expect(error.details).toEqual(errors[0].details)
  }
}

describe(`chunks (seed ${SEED})`, () => {
  it('divide the items without gap, in order, as many as counted, and default ones never grow', () => {
    const rules = fc.record({
      itemCount: fc.nat(5000),
      rankCount: fc.integer({ min: 1, max: 64 }),
      size: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(rules, (rule) => {
        const sequence = new ChunkSequence(rule)
        const count = countChunks(rule)
        let next = 0
        let lengthMax = Number.POSITIVE_INFINITY
        for (let number = 0; number < count; number += 1) {
          const chunk = sequence.at(number)
          expect(chunk).toMatchObject({ number, first: next })
          const length = (chunk?.end ?? 0) - next
          expect(length).toBeGreaterThan(0)
          expect(length).toBeLessThanOrEqual(rule.size ?? lengthMax)
          if (rule.size === undefined) lengthMax = length
          next = chunk?.end ?? 0
        }
        expect(next).toBe(rule.itemCount)
        expect(sequence.at(count)).toBeUndefined()
      }),
      { seed: SEED, numRuns: 50 },
    )
  })

  it('are few for many small items, and single for few long ones', () => {
    expect(countChunks({ itemCount: 1_000_000, rankCount: 2, size: undefined })).toBeLessThan(1100)
    expect(countChunks({ itemCount: 10, rankCount: 4, size: undefined })).toBe(10)
  })
})
