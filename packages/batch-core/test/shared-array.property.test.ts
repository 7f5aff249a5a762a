import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArrayView } from '../src/array-view.ts'
import type { Communicator } from '../src/communicator.ts'
import { SharedArray } from '../src/shared-array.ts'
import { createNodes } from './nodes.ts'

const SEED = 20_261_121
const RUNS = 60

/** A part of an array of that shape, and how it is written. */
interface Write {
  readonly offset: number[]
  readonly shape: number[]
  readonly from: number
  readonly call: 'set' | 'assign'
  /** Whether the values come as a view whose elements don't lie side by side. */
  readonly isStrided: boolean
}

interface Plan {
  readonly nodeOf: number[]
  readonly shape: number[]
  readonly writes: Write[]
}

function writesOf(shape: number[], size: number): fc.Arbitrary<Write> {
  const ranges = shape.map((extent) =>
    fc
      .tuple(fc.nat(extent), fc.nat(extent))
      .map(([one, other]) => [Math.min(one, other), Math.abs(one - other)] as const),
  )
  return fc
    .record({
      ranges: fc.tuple(...ranges),
      from: fc.nat(size - 1),
      call: fc.constantFrom('set' as const, 'assign' as const),
      isStrided: fc.boolean(),
    })
    .map(({ ranges: taken, from, call, isStrided }) => ({
      offset: taken.map(([start]) => start),
      shape: taken.map(([, count]) => count),
      from,
      call,
      isStrided,
    }))
}

const plans: fc.Arbitrary<Plan> = fc
  .record({
    nodeOf: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
    shape: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ nodeOf, shape }) =>
    fc
      .array(writesOf(shape, nodeOf.length), { minLength: 1, maxLength: 4 })
      .map((writes) => ({ nodeOf, shape, writes })),
  )

/** What a plan writes with its nth call. */
function valuesOf({ shape, isStrided }: Write, call: number): ArrayView<Int32Array> {
  const count = shape.reduce((product, extent) => product * extent, 1)
  const numbers = Int32Array.from({ length: count }, (_, index) => 1000 * (call + 1) + index)
  if (!isStrided) return ArrayView.of(numbers, shape)
  // The left halves of rows that are twice as long.
  const last = shape.at(-1) ?? 1
  const spread = new Int32Array(2 * count)
  for (const [index, value] of numbers.entries()) {
    const row = Math.floor(index / last)
    spread[2 * row * last + (index % last)] = value
  }
  const wide = ArrayView.of(spread, [...shape.slice(0, -1), 2 * last])
  return wide.slice(...shape.slice(0, -1).map(() => undefined), [0, last])
}

/** The same by the plainest means. */
function applyTo(model: Map<string, number>, { offset, shape }: Write, values: Iterable<number>): void {
  const given = values[Symbol.iterator]()
  const visit = (indices: number[]): void => {
    const dimension = indices.length
    if (dimension === shape.length) {
      model.set(indices.join(), given.next().value)
      return
    }
    for (let index = 0; index < (shape[dimension] ?? 0); index += 1) {
      visit([...indices, (offset[dimension] ?? 0) + index])
    }
  }
  visit([])
}

describe(`shared arrays under any schedule (seed ${SEED})`, () => {
  it('are on all nodes what was written so far, when a write comes back and until the next', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, { nodeOf, shape, writes }) => {
        const models = writes.map((_, last) => {
          const model = new Map<string, number>()
          for (const [call, write] of writes.slice(0, last + 1).entries()) {
            applyTo(model, write, valuesOf(write, call))
          }
          return model
        })
        const runRank = async (communicator: Communicator): Promise<void> => {
          const array = await SharedArray.empty({ communicator, type: Int32Array, shape })
          const check = (model: ReadonlyMap<string, number>): void => {
            visitAll(shape, (indices) => {
              expect(array.view().at(...indices)).toBe(model.get(indices.join()) ?? 0)
            })
          }
          for (const [call, write] of writes.entries()) {
            const { from, offset } = write
            const given = from === communicator.rank ? valuesOf(write, call) : undefined
            const region = { offset, shape: write.shape }
            if (write.call === 'set') await array.set(given, { ...region, from })
            else await array.assign(given, region)
            check(models[call] ?? new Map())
            await scheduler.schedule(Promise.resolve(), `rank ${communicator.rank} reads`)
            check(models[call] ?? new Map())
          }
          await array.close()
        }
        const ranks = createNodes(nodeOf, undefined, {
          schedule: (deliver, label) => void scheduler.schedule(Promise.resolve(), label).then(deliver),
        })
        await scheduler.waitFor(Promise.all(ranks.map(runRank)))
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })
})

function visitAll(shape: readonly number[], see: (indices: number[]) => void, indices: number[] = []): void {
  const extent = shape[indices.length]
  if (extent === undefined) see(indices)
  else for (let index = 0; index < extent; index += 1) visitAll(shape, see, [...indices, index])
}
