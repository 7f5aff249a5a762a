import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArrayView } from '../src/array-view.ts'

const SEED = 20_261_122

/** Numbers in lists in lists, as deep as a view has dimensions. */
type Nested = number | Nested[]

function nestedOf(view: ArrayView<Int32Array>): Nested {
  if (view.shape.length === 0) return view.at()
  return Array.from({ length: view.shape[0] ?? 0 }, (_, index) => nestedOf(view.index(index)))
}

function flat(nested: Nested): number[] {
  return typeof nested === 'number' ? [nested] : nested.flatMap(flat)
}

/** The same part of nested lists; a dimension without a range is taken whole. */
function sliced(
  nested: Nested,
  [range, ...others]: readonly (readonly [number, number] | undefined)[],
): Nested {
  if (typeof nested === 'number') return nested
  const [start, end] = range ?? [0, nested.length]
  return nested.slice(start, end).map((inner) => sliced(inner, others))
}

const shapes = fc.array(fc.nat(4), { maxLength: 4 })
/** For each step two numbers, which become an index or a range of what is there then. */
const steps = fc.array(
  fc.tuple(fc.boolean(), fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 4, maxLength: 4 })),
  {
    maxLength: 4,
  },
)

describe('a view', () => {
  it(`is after any indices and slices what nested lists are (seed ${SEED})`, () => {
    fc.assert(
      fc.property(shapes, steps, (shape, taken) => {
        const count = shape.reduce((product, extent) => product * extent, 1)
        let view = ArrayView.of(
          Int32Array.from({ length: count }, (_, index) => index),
          shape,
        )
        let model = nestedOf(view)
        expect(flat(model)).toEqual(Array.from({ length: count }, (_, index) => index))
        for (const [isIndex, numbers] of taken) {
          const [extent = 0] = view.shape
          if (isIndex && extent > 0) {
            const index = (numbers[0]?.[0] ?? 0) % extent
            view = view.index(index)
            model = (model as Nested[])[index] ?? []
          } else {
            const ranges = view.shape.map((length, dimension) => {
              const [one, other] = (numbers[dimension] ?? [0, 0]).map((number) => number % (length + 1))
              return [Math.min(one ?? 0, other ?? 0), Math.max(one ?? 0, other ?? 0)] as const
            })
            view = view.slice(...ranges)
            model = sliced(model, ranges)
          }
          expect(nestedOf(view)).toEqual(model)
          expect(view.length).toBe(flat(model).length)
          expect([...view]).toEqual(flat(model))
          expect([...view.toArray()]).toEqual(flat(model))
          if (view.values !== undefined) expect([...view.values]).toEqual(flat(model))
        }
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('has its elements as a typed array where they lie side by side, and only there', () => {
    const numbers = Int32Array.from({ length: 60 }, (_, index) => index)
    const view = ArrayView.of(numbers, [3, 4, 5])
    expect(view.values?.buffer).toBe(numbers.buffer)
    expect(view.strides).toEqual([20, 5, 1])
    for (const whole of [
      view.index(1),
      view.slice([1, 3]),
      view.slice([1, 2], [2, 4]),
      view.index(2).index(3).slice([1, 4]),
    ]) {
      expect(whole.values?.byteOffset).toBe((whole.at(...whole.shape.map(() => 0)) ?? 0) * 4)
    }
    for (const pieces of [
      view.slice(undefined, [1, 3]),
      view.slice(undefined, undefined, [0, 4]),
      view.index(0).slice([0, 2], [1, 2]),
    ]) {
      expect(pieces.values).toBeUndefined()
    }
  })

  it('refuses what is not there', () => {
    const view = ArrayView.of(new Float32Array(6), [2, 3])
    for (const read of [
      () => view.at(2, 0),
      () => view.at(0, -1),
      () => view.at(0, 0.5),
      () => view.at(0),
      () => view.at(0, 0, 0),
      () => view.index(2),
      () => view.index(-1),
      () => view.index(0).index(0).index(0),
      () => view.slice([0, 3]),
      () => view.slice([-1, 1]),
      () => view.slice([1, 0]),
      () => view.slice([0, 1.5]),
      () => view.slice(undefined, undefined, [0, 1]),
      () => ArrayView.of(new Float32Array(6), [7]),
    ]) {
      expect(read).toThrow(expect.objectContaining({ code: 'ERR_MPIBATCH_USAGE' }))
    }
    expect(() => view.at(1, 3)).toThrow('There is no element [1, 3] in a view of shape [2, 3].')
    expect(() => view.slice(undefined, [2, 4])).toThrow(
      'There is no slice (undefined, [2, 4]) in a view of shape [2, 3].',
    )
    expect(() => ArrayView.of(new Float32Array(6), [2.5])).toThrow(
      expect.objectContaining({ code: 'ERR_MPIBATCH_CONFIG_INVALID' }),
    )
  })

  it('copies Node’s buffers too', () => {
    const bytes = Buffer.from('abc')
    const copied = ArrayView.of(bytes).toArray()
    bytes[0] = 0
    expect([...copied]).toEqual([97, 98, 99])
  })
})
