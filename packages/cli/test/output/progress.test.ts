import type { TaskCounts } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { progressBar, progressText } from '../../src/output/progress-line.ts'
import { ProgressMeter } from '../../src/output/progress-meter.ts'

const counts = (given: Partial<TaskCounts>): TaskCounts => ({
  OPEN: 0,
  RUNNING: 0,
  DONE: 0,
  FAILED: 0,
  INVALID: 0,
  ELSEWHERE: 0,
  ...given,
})

describe('the progress meter', () => {
  it('has no rate and no time left before a task has ended', () => {
    const meter = new ProgressMeter()
    meter.update(counts({ OPEN: 10 }), 0)
    expect(meter.update(counts({ OPEN: 8, RUNNING: 2 }), 5000)).toMatchObject({
      ratePerSecond: 0,
      secondsLeft: undefined,
    })
  })

  it('counts only what ended since it looked first, so that resuming does not look fast', () => {
    const meter = new ProgressMeter()
    meter.update(counts({ DONE: 900, OPEN: 100 }), 0)
    const progress = meter.update(counts({ DONE: 920, OPEN: 78, RUNNING: 2 }), 10_000)
    expect(progress).toMatchObject({ total: 1000, ratePerSecond: 2, secondsLeft: 40 })
  })

  it('looks back one minute', () => {
    const meter = new ProgressMeter()
    for (let second = 0; second <= 120; second += 10) {
      // Ten a second in the first minute, one a second in the next.
      const done = second <= 60 ? second * 10 : 600 + (second - 60)
      meter.update(counts({ DONE: done, OPEN: 10_000 - done }), second * 1000)
    }
    expect(meter.update(counts({ DONE: 670, OPEN: 9330 }), 130_000).ratePerSecond).toBeCloseTo(1, 1)
  })
})

describe('the progress line', () => {
  const progress = {
    total: 400,
    done: 200,
    failed: 100,
    running: 4,
    elsewhere: 2,
    ratePerSecond: 12.345,
    secondsLeft: 8,
  }

  it('says ended and all tasks, what runs, what failed, rate and time left', () => {
    expect(progressText(progress)).toMatch(
      /^300\/400 75 %, 4 running, 100 failed, 2 elsewhere, 12\.3\/s, 8.* s left$/,
    )
  })

  it('draws done and failed apart, and stays within the terminal', () => {
    expect(progressBar(progress, 200)).toMatch(/^\[#{12}x{6}-{6}\] 300\/400/)
    expect(progressBar(progress, 20)).toHaveLength(19)
  })

  it('never says 100 % before the end', () => {
    expect(progressText({ ...progress, done: 99_999, failed: 0, total: 100_000 })).toContain('99 %')
  })

  it('speaks of slow rates in minutes and hours', () => {
    expect(progressText({ ...progress, ratePerSecond: 0.1 })).toContain('6.0/min')
    expect(progressText({ ...progress, ratePerSecond: 0.001 })).toContain('3.6/h')
  })
})
