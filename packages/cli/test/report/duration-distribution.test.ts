import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationDistribution } from '../../src/report/duration-distribution.ts'

const of = (durations: readonly number[]): ReturnType<typeof durationDistribution> =>
  durationDistribution(
    durations.map((durationMs) => ({ durationMs, isDone: true })),
    durations.length,
  )

describe('the distribution of durations', () => {
  it('has equal steps where durations are alike, and names median and 95th percentile', () => {
    const data = of(Array.from({ length: 101 }, (_, index) => 100 + index))
    expect(data).toMatchObject({ isLogarithmic: false, minMs: 100, medianMs: 150, p95Ms: 195, maxMs: 200 })
    expect(data?.edgesMs[0]).toBe(100)
  })

  it('begins at nothing where the shortest is far from the longest', () => {
    expect(of([100, 300, 500])?.edgesMs[0]).toBe(0)
  })

  it('grows by a factor where durations span decades', () => {
    const data = of([1, 10, 100, 1000, 10_000])
    expect(data?.isLogarithmic).toBe(true)
    expect(data?.edgesMs[0]).toBeCloseTo(1)
    expect(data?.edgesMs.at(-1)).toBeCloseTo(10_000)
  })

  it('tells what was done from the rest', () => {
    const data = durationDistribution([{ durationMs: 5, isDone: false }], 1)
    expect(data?.otherCounts.reduce((sum, count) => sum + count)).toBe(1)
    expect(data?.doneCounts.every((count) => count === 0)).toBe(true)
  })

  it('is missing where nothing has ended', () => {
    expect(of([])).toBeUndefined()
  })

  it('counts every attempt once, in rising bins, whatever the durations are', () => {
    const duration = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constantFrom(0, 1e-9, 5))
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 200 }), (durations) => {
        const data = of(durations)
        expect(data?.doneCounts.reduce((sum, count) => sum + count)).toBe(durations.length)
        expect(data?.edgesMs.every((edge, at, all) => at === 0 || edge > (all[at - 1] ?? 0))).toBe(true)
      }),
    )
  })
})
