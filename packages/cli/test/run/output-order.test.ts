import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OutputOrder } from '../../src/run/output-order.ts'

const numbers = (ends: readonly { taskIndex: number }[]): number[] => ends.map(({ taskIndex }) => taskIndex)

describe('the order in which output is printed', () => {
  it('is that of the ends, unless another is asked for', () => {
    const order = new OutputOrder({ retries: 0 })
    expect(numbers(order.ended(2, 'DONE'))).toEqual([2])
    expect(numbers(order.ended(0, 'FAILED'))).toEqual([0])
    expect(order.rest()).toEqual([])
  })

  it('waits for the last attempt of a task that fails', () => {
    const order = new OutputOrder({ retries: 2 })
    expect(order.ended(0, 'FAILED')).toEqual([])
    expect(order.ended(0, 'FAILED')).toEqual([])
    expect(order.ended(0, 'FAILED')).toEqual([{ taskIndex: 0, end: 'FAILED' }])
    expect(order.ended(1, 'FAILED')).toEqual([])
    expect(order.ended(1, 'DONE')).toEqual([{ taskIndex: 1, end: 'DONE' }])
  })

  it('prints at the end what would have been run again', () => {
    const order = new OutputOrder({ retries: 5 })
    order.ended(3, 'FAILED')
    order.ended(1, 'FAILED')
    expect(numbers(order.rest())).toEqual([1, 3])
    expect(order.rest()).toEqual([])
  })

  it('is that of the tasks where that is asked for, and waits for none that does not run here', () => {
    const order = new OutputOrder({ retries: 0, awaited: [true, false, true, true] })
    expect(order.ended(2, 'DONE')).toEqual([])
    expect(numbers(order.ended(0, 'DONE'))).toEqual([0, 2])
    // Taken over from another instance after its turn.
    expect(numbers(order.ended(1, 'DONE'))).toEqual([1])
    expect(numbers(order.rest())).toEqual([])
  })

  it('prints each task once and in order, whatever the order of the ends', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Array.from({ length: 12 }, (_, index) => index)),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (ends, fails) => {
          const order = new OutputOrder({ retries: 0, awaited: new Array(12).fill(true) })
          const printed = ends.flatMap((index) =>
            numbers(order.ended(index, fails[index] ? 'FAILED' : 'DONE')),
          )
          printed.push(...numbers(order.rest()))
          expect(printed).toEqual([...ends].sort((one, other) => one - other))
        },
      ),
    )
  })
})
