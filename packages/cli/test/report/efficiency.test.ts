import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timeShares, unionMs, wholeMs } from '../../src/report/efficiency.ts'

describe('the time of a worker', () => {
  it('is split into work, start, claims, longer pauses and the wait for the last', () => {
    const attempts = [
      { fromMs: 100, toMs: 600 },
      { fromMs: 620, toMs: 1000 },
      { fromMs: 5000, toMs: 6000 },
    ]
    expect(timeShares(attempts, { fromMs: 0, toMs: 8000 })).toEqual({
      ...{ startMs: 100, busyMs: 1880, claimMs: 20, waitMs: 4000, lastMs: 2000 },
    })
  })

  it('adds up to the whole, and counts no moment twice, also where a clock was set back', () => {
    const span = fc.tuple(fc.nat(10_000), fc.nat(3000))
    fc.assert(
      fc.property(fc.array(span), (spans) => {
        const attempts = spans
          .map(([fromMs, lengthMs]) => ({ fromMs, toMs: fromMs + lengthMs }))
          .sort((one, other) => one.fromMs - other.fromMs)
        const job = { fromMs: 0, toMs: 20_000 }
        const shares = timeShares(attempts, job)
        expect(wholeMs(shares)).toBe(20_000)
        expect(shares.busyMs).toBe(unionMs(attempts))
      }),
    )
  })
})
