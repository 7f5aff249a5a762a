import { describe, expect, it } from 'vitest'
import { type AdviceFacts, adviceFor } from '../../src/report/advice.ts'
import type { DurationDistribution, JobRow } from '../../src/report/report-data.ts'

const MINUTE = 60_000

/** A run that nothing is wrong with: four workers, a minute each, 100 tasks of two to three seconds. */
const job: JobRow = {
  ...{ label: 'job 1', command: 'run -- ./work', hosts: ['here'], fromMs: 0, toMs: MINUTE, isAlive: false },
  ...{ workerCount: 4, attemptCount: 100 },
  ...{ busyMs: 3.8 * MINUTE, startMs: 1000, claimMs: 5000, waitMs: 0, lastMs: 6000 },
}
const distribution: DurationDistribution = {
  ...{ isLogarithmic: false, edgesMs: [], doneCounts: [], otherCounts: [] },
  ...{ minMs: 1800, medianMs: 2300, p95Ms: 2900, maxMs: 3200, doneP95Ms: 2900 },
}
const counts = { done: 100, failed: 0, retried: 0, returned: 0, discarded: 0, lost: 0, running: 0 }
const fine: AdviceFacts = {
  ...{ taskCount: 100, attemptCount: 100, distribution, efficiency: job, job, failures: [], killedCount: 0 },
  wasted: { counts, repeatedTaskCount: 0, wastedMs: 0, losses: [] },
  timeouts: { count: 0, shortestMs: Infinity },
  processorCount: 4,
}
const titles = (change: Partial<AdviceFacts>): string[] =>
  adviceFor({ ...fine, ...change }).map(({ title }) => title)
const textOf = (change: Partial<AdviceFacts>): string =>
  adviceFor({ ...fine, ...change })
    .map(({ text }) => text)
    .join('\n')

describe('advice', () => {
  it('is silent where nothing is wrong, and where there is nothing', () => {
    expect(titles({})).toEqual([])
    const none = { ...job, busyMs: 0, startMs: 0, claimMs: 0, lastMs: 0, attemptCount: 0 }
    expect(titles({ distribution: undefined, job: undefined, efficiency: none, attemptCount: 0 })).toEqual([])
  })

  it('is to put more work into each task where tasks are shorter than what comes around them', () => {
    const short = { ...distribution, medianMs: 4, p95Ms: 9, maxMs: 10 }
    const efficiency = { ...job, attemptCount: 10_000, busyMs: 40_000, claimMs: 120_000 }
    const change = { distribution: short, efficiency, taskCount: 10_000 }
    expect(titles(change)).toEqual(['Put more work into each task'])
    expect(textOf(change)).toContain('Half of all tasks take less than 4 ms')
    expect(textOf(change)).toContain('12 ms pass on average')
    expect(textOf(change)).toContain('about 250 of these in one task')
    // Short tasks that cost nothing to get are fine.
    expect(titles({ ...change, efficiency: { ...efficiency, claimMs: 2000 } })).toEqual([])
  })

  it('is to start the longest first where many wait for few', () => {
    const uneven = { ...distribution, maxMs: 30_000 }
    const late = { ...job, busyMs: 3 * MINUTE, lastMs: MINUTE }
    expect(titles({ distribution: uneven, job: late })).toEqual(['Start the longest tasks first'])
    expect(textOf({ distribution: uneven, job: late })).toMatch(
      /waited 1 min 00 s in all \(24 % .* --order longest/,
    )
    expect(titles({ distribution: uneven, job: { ...late, isAlive: true } })).toEqual([])
    expect(titles({ job: late })).toEqual([])
  })

  it('is to raise a timeout that is close to what tasks need, and else to look at what hangs', () => {
    expect(titles({ timeouts: { count: 3, shortestMs: 4000 } })).toEqual(['Raise the timeout'])
    const timeouts = { count: 3, shortestMs: 60_000 }
    expect(titles({ timeouts })).toEqual(['Find out what hangs'])
    // What the limit itself has cut off says nothing on what tasks need.
    expect(titles({ timeouts, distribution: { ...distribution, p95Ms: 60_000 } })).toEqual([
      'Find out what hangs',
    ])
    expect(textOf({ timeouts, distribution: { ...distribution, doneP95Ms: null } })).toContain(
      'no attempt was done',
    )
  })

  it('is to set a timeout where one attempt took many times what others need', () => {
    const change = { distribution: { ...distribution, maxMs: 20 * MINUTE } }
    expect(titles(change)).toEqual(['Give tasks a timeout'])
    expect(textOf(change)).toContain('--timeout 9s')
  })

  it('is to mend first what more than a tenth of all attempts ended by', () => {
    const failure = { reason: 'exit 1', shape: 'exit code #: no licence', attemptCount: 30 }
    expect(titles({ failures: [failure] })).toEqual(['Mend the most frequent failure first'])
    expect(textOf({ failures: [failure] })).toContain(
      '30 of 100 attempts (30 %) ended alike: exit code #: no licence',
    )
    expect(titles({ failures: [{ ...failure, attemptCount: 9 }] })).toEqual([])
  })

  it('is to look at memory where SIGKILL ended tasks', () => {
    expect(titles({ killedCount: 1 })).toEqual(['Look whether memory runs out'])
  })

  it('is to find out why runs die where they take attempts along', () => {
    const wasted = { ...fine.wasted, counts: { ...counts, lost: 4 }, wastedMs: 8000 }
    expect(titles({ wasted })).toEqual(['Find out why runs die'])
    expect(titles({ wasted, attemptCount: 100_000 })).toEqual([])
  })

  it('is to take fewer workers where they wait, and more where there is room', () => {
    const idle = { ...job, busyMs: MINUTE, waitMs: 3 * MINUTE }
    expect(titles({ job: idle })).toEqual(['Take fewer workers'])
    expect(textOf({ job: idle })).toContain('About 2 would have done')
    expect(titles({ processorCount: 16 })).toEqual(['There is room for more workers'])
    expect(titles({ processorCount: undefined })).toEqual([])
  })

  it('is to try smaller groups where few groups waited for the last', () => {
    const grouped = { ...job, command: 'run --group-size 8 job.mjs', attemptCount: 6, lastMs: 2 * MINUTE }
    expect(titles({ job: { ...grouped, busyMs: 2 * MINUTE } })).toEqual(['Try smaller groups'])
  })
})
