import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetrySchedule, retryDelayMs } from '../src/retry-schedule.ts'
import { taskOrder } from '../src/task-order.ts'

describe('the delay before a retry', () => {
  it('doubles with every failure, within a quarter, up to an hour', () => {
    expect([1, 2, 3].map((failures) => retryDelayMs({ baseMs: 1000, failures, random: 0.5 }))).toEqual([
      1000, 2000, 4000,
    ])
    expect(retryDelayMs({ baseMs: 1000, failures: 1, random: 0 })).toBe(750)
    expect(retryDelayMs({ baseMs: 1000, failures: 1, random: 0.999 })).toBeLessThan(1250)
    expect(retryDelayMs({ baseMs: 1000, failures: 60, random: 0.5 })).toBe(3_600_000)
    expect(retryDelayMs({ baseMs: 0, failures: 5, random: 0.5 })).toBe(0)
  })
})

describe('the schedule of retries', () => {
  it('gives a task back when its delay is over, as often as was asked for', () => {
    const schedule = new RetrySchedule()
    expect(schedule.failed(4, { retries: 2, baseMs: 100, nowMs: 0 })).toBe(true)
    expect(schedule.takeDue(0)).toBeUndefined()
    expect(schedule.nextDueInMs(0)).toBeGreaterThanOrEqual(75)
    expect(schedule.takeDue(1000)).toBe(4)
    expect(schedule.takeDue(1000)).toBeUndefined()
    expect(schedule.failed(4, { retries: 2, baseMs: 100, nowMs: 1000 })).toBe(true)
    expect(schedule.takeDue(5000)).toBe(4)
    expect(schedule.failed(4, { retries: 2, baseMs: 100, nowMs: 5000 })).toBe(false)
    expect(schedule.nextDueInMs(5000)).toBeUndefined()
  })

  it('gives the earliest first', () => {
    const schedule = new RetrySchedule()
    schedule.failed(1, { retries: 1, baseMs: 1000, nowMs: 0 })
    schedule.failed(2, { retries: 1, baseMs: 10, nowMs: 0 })
    expect([schedule.takeDue(1e6), schedule.takeDue(1e6)]).toEqual([2, 1])
  })

  it('gives all tasks in the order in which they are due, each as it failed last', () => {
    const failures = fc.array(fc.record({ index: fc.nat(8), nowMs: fc.nat(50), takes: fc.nat(2) }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(failures, (steps) => {
        const schedule = new RetrySchedule()
        // Without a delay a task is due when it has failed.
        const waiting = new Map<number, number>()
        const take = (nowMs: number): void => {
          const [first] = [...waiting].sort(([, one], [, other]) => one - other)
          const due = first !== undefined && first[1] <= nowMs ? first[0] : undefined
          expect(schedule.hasWaiting).toBe(waiting.size > 0)
          expect(schedule.nextDueInMs(nowMs)).toBe(first && Math.max(first[1] - nowMs, 0))
          expect(schedule.takeDue(nowMs)).toBe(due)
          if (due !== undefined) waiting.delete(due)
        }
        for (const { index, nowMs, takes } of steps) {
          schedule.failed(index, { retries: 1000, baseMs: 0, nowMs })
          waiting.delete(index)
          waiting.set(index, nowMs)
          for (let count = 0; count < takes; count += 1) take(nowMs)
        }
        while (waiting.size > 0) take(100)
        expect(schedule.takeDue(100)).toBeUndefined()
      }),
    )
  })
})

describe('the order of start', () => {
  const durations = (): Float64Array => Float64Array.of(5, 50, Number.NaN, 50)

  it('is the given one by default', () => {
    expect(taskOrder('given', { taskCount: 4, durations })).toBeUndefined()
  })

  it('puts unknown and long tasks first', () => {
    expect([...(taskOrder('longest', { taskCount: 4, durations }) ?? [])]).toEqual([2, 1, 3, 0])
  })

  it('shuffles without losing a task', () => {
    const numbers = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2]
    const order = taskOrder('shuffle', { taskCount: 7, durations, random: () => numbers.shift() ?? 0 })
    expect([...(order ?? [])].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([...(order ?? [])]).not.toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})
