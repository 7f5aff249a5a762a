import type { TaskCounts } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProgressMeter } from '../../src/output/progress-meter.ts'
import { secondsLeft } from '../../src/output/time-left.ts'

const LOOK_MS = 200

/** Runs tasks of these lengths in slots, and notes what is said to be left, and what is, at each look. */
function simulate(
  lengths: readonly number[],
  slots: number,
): { atSeconds: number; said: number | undefined; left: number }[] {
  const freeAt = new Array<number>(slots).fill(0)
  const tasks = lengths.map((length) => {
    const start = Math.min(...freeAt)
    freeAt[freeAt.indexOf(start)] = start + length
    return { start, end: start + length }
  })
  const total = Math.max(...freeAt)
  const meter = new ProgressMeter()
  const looks: { atSeconds: number; said: number | undefined; left: number }[] = []
  for (let atSeconds = 0; atSeconds < total; atSeconds += LOOK_MS / 1000) {
    const DONE = tasks.filter(({ end }) => end <= atSeconds).length
    const RUNNING = tasks.filter(({ start, end }) => start <= atSeconds && end > atSeconds).length
    const counts: TaskCounts = {
      OPEN: tasks.length - DONE - RUNNING,
      RUNNING,
      DONE,
      FAILED: 0,
      INVALID: 0,
      ELSEWHERE: 0,
    }
    const said = meter.update(counts, atSeconds * 1000).secondsLeft
    looks.push({ atSeconds, said, left: total - atSeconds })
  }
  return looks
}

describe('the time that is left', () => {
  it('counts the last round as a whole, however few tasks it has', () => {
    const work = { runningAges: [0, 0, 0, 0], taskSeconds: 60, atOnce: 4 }
    expect(secondsLeft({ ...work, openCount: 0 })).toBe(60)
    expect(secondsLeft({ ...work, openCount: 2 })).toBe(120)
    expect(secondsLeft({ ...work, openCount: 5 })).toBe(180)
  })

  it('expects of what is late that it may take longer', () => {
    const work = { openCount: 0, taskSeconds: 10, atOnce: 2 }
    expect(secondsLeft({ ...work, runningAges: [4, 9] })).toBe(6)
    expect(secondsLeft({ ...work, runningAges: [30] })).toBe(20)
  })

  it('is right from the first round on where tasks are alike', () => {
    const length = fc.integer({ min: 5, max: 100 })
    fc.assert(
      fc.property(
        length,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 2, max: 40 }),
        (seconds, slots, count) => {
          for (const { atSeconds, said, left } of simulate(new Array(count).fill(seconds), slots)) {
            if (atSeconds <= seconds) continue
            // Each length is seen up to one look too long or too short.
            expect(Math.abs((said ?? Number.NaN) - left)).toBeLessThan(1 + 0.05 * left)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is known for tasks that are too short to be seen', () => {
    const meter = new ProgressMeter()
    const counts = (DONE: number): TaskCounts => ({
      OPEN: 1_000_000 - DONE,
      RUNNING: 0,
      DONE,
      FAILED: 0,
      INVALID: 0,
      ELSEWHERE: 0,
    })
    meter.update(counts(0), 0)
    expect(meter.update(counts(200), 200).secondsLeft).toBeCloseTo(999.8, 0)
  })

  it('stays near where tasks are of uneven length', () => {
    const lengths = Array.from({ length: 200 }, (_, index) => 1 + ((index * 7919) % 97) / 10)
    const looks = simulate(lengths, 4).filter(({ atSeconds }) => atSeconds > 30)
    const faults = looks.map(({ said = Number.NaN, left }) => Math.abs(said - left) / (left + 10))
    expect(Math.max(...faults)).toBeLessThan(0.35)
  })
})
