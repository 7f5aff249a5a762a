import { describe, expect, it } from 'vitest'
import { TimelineBars } from '../../page/timeline-bars.ts'
import { collectReport } from '../../src/report/collect-report.ts'
import type { ReportData } from '../../src/report/report-data.ts'
import { type HandMadeRoot, handMadeView } from './hand-made-view.ts'

function reportOf(root: HandMadeRoot, nowMs = 100_000): ReportData {
  return collectReport({
    ...{ view: handMadeView(root), root: 'out dir', program: 'mpibatch 0', nowMs },
    logsOf: (task) => ({ stdout: `${task}/stdout` }),
  })
}

const second = (from: number, length = 1): { startedAtMs: number; durationMs: number } => ({
  ...{ startedAtMs: from * 1000, durationMs: length * 1000 },
})

describe('what a report says of a root', () => {
  it('is how it stands, how long it took, and how to go on', () => {
    const report = reportOf({
      tasks: [
        {},
        { state: 'FAILED', reason: 'exit', exitCode: 3, message: 'exit code 3: row 9' },
        { state: 'OPEN' },
      ],
      attempts: [
        { task: 't0', ...second(1) },
        {
          task: 't1',
          ...second(2),
          state: 'FAILED',
          reason: 'exit',
          exitCode: 3,
          message: 'exit code 3: row 9',
        },
      ],
    })
    expect(report.verdict).toBe(
      'Of 3 tasks, 1 are done; 1 failed, 1 open. Run the same line again to go on. ' +
        `"mpibatch retry 'out dir'" opens the failed ones again.`,
    )
    expect(report).toMatchObject({
      checkExitCode: 1,
      taskCount: 3,
      attemptCount: 2,
      wallMs: 3000,
      busyMs: 2000,
    })
    expect(report.failures).toMatchObject([
      { reason: 'exit 3', shape: 'exit code #: row #', task: 't1', logs: { stdout: 't1/stdout' } },
    ])
  })

  it('is a row for each worker of each job, and where its time went', () => {
    const report = reportOf({
      tasks: [{}, {}, {}],
      instances: [
        { instance: 'a', startedAtMs: 0 },
        { instance: 'b', startedAtMs: 50_000 },
      ],
      attempts: [
        { task: 't0', worker: 1, ...second(1, 4) },
        { task: 't1', worker: 0, ...second(1, 1) },
        { task: 't2', instance: 'b', ...second(51, 2) },
      ],
    })
    expect(report.timeline.workers.map(({ label }) => label)).toEqual([
      ...['job 1 · worker 0', 'job 1 · worker 1', 'job 2 · worker 0'],
    ])
    expect(report.jobs).toMatchObject([
      { workerCount: 2, attemptCount: 2, fromMs: 0, toMs: 5000, busyMs: 5000, lastMs: 3000 },
      { workerCount: 1, attemptCount: 1, fromMs: 50_000, toMs: 53_000, busyMs: 2000, startMs: 1000 },
    ])
    expect(report).toMatchObject({ wallMs: 8000, busyMs: 7000 })
  })

  it('takes ranks of one job for one job, and names their hosts', () => {
    const report = reportOf({
      tasks: [{}, {}, {}],
      instances: [
        { instance: 'a', batch: 'a', command: 'run --launcher mpirun' },
        { instance: 'b', batch: 'a', host: 'node10' },
        { instance: 'c', batch: 'a', host: 'node9' },
      ],
      attempts: [
        { task: 't0', ...second(0) },
        { task: 't1', instance: 'b', worker: 1, host: 'node10', ...second(0) },
        { task: 't2', instance: 'c', worker: 2, host: 'node9', ...second(0) },
      ],
    })
    expect(report.jobs).toMatchObject([
      { hosts: ['here', 'node9', 'node10'], command: 'run --launcher mpirun' },
    ])
    expect(report.timeline.workers.map(({ label }) => label)).toEqual([
      'here · worker 0',
      'node9 · worker 2',
      'node10 · worker 1',
    ])
  })

  it('tells retried, returned, discarded, lost and running attempts apart', () => {
    const failed = { state: 'FAILED', reason: 'exit', exitCode: 1 } as const
    const report = reportOf({
      tasks: [
        { attempts: 2 },
        {},
        {},
        {},
        { state: 'RUNNING' },
        { state: 'FAILED', message: 'm', reason: 'exit' },
      ],
      instances: [{ instance: 'a' }, { instance: 'b', alive: true, startedAtMs: 90_000 }],
      attempts: [
        { task: 't0', ...second(0), ...failed },
        { task: 't0', ...second(1), attempt: 2 },
        { task: 't1', ...second(2), state: 'OPEN', reason: 'interrupted' },
        { task: 't2', ...second(3), outcome: 'discarded' },
        { task: 't5', ...second(4), ...failed },
        { task: 't3', outcome: 'unfinished', startedAtMs: 5000 },
        { task: 't4', outcome: 'unfinished', startedAtMs: 95_000, instance: 'b' },
      ],
    })
    expect(report.wasted).toMatchObject({
      counts: { done: 1, retried: 1, returned: 1, discarded: 1, failed: 1, lost: 1, running: 1 },
      repeatedTaskCount: 1,
      wastedMs: 4000,
    })
    expect(report.wasted.losses).toMatchObject([
      { task: 't2', durationMs: 1000 },
      { task: 't3', durationMs: null, worker: 'job 1 · worker 0' },
    ])
    const bars = new TimelineBars(report.timeline)
    // It still runs: its bar reaches to this moment.
    expect(bars.attempt(6)).toMatchObject({ name: 't4', kind: 'running', durationMs: 5000 })
    expect(report.verdict).toContain('A run is at work')
  })

  it('puts attempts without an end on workers that were free for them', () => {
    const report = reportOf({
      tasks: [{}, {}, {}, {}, {}],
      attempts: [
        { task: 't0', worker: 0, ...second(0, 3) },
        { task: 't1', worker: 1, ...second(0, 5) },
        { task: 't2', outcome: 'unfinished', startedAtMs: 3010 },
        { task: 't3', outcome: 'unfinished', startedAtMs: 5010 },
        { task: 't4', outcome: 'unfinished', startedAtMs: 200 },
      ],
    })
    expect(report.wasted.losses.map(({ task, worker }) => `${task} on ${worker}`)).toEqual([
      ...['t4 on worker 2', 't2 on worker 0', 't3 on worker 1'],
    ])
  })

  it('names the 20 longest attempts, the longest first', () => {
    const report = reportOf({
      tasks: Array.from({ length: 50 }, () => ({})),
      attempts: Array.from({ length: 50 }, (_, index) => ({
        ...{ task: `t${index}`, ...second(index * 100, 1 + ((index * 7) % 50)) },
      })),
    })
    expect(report.slowest.map(({ durationMs }) => durationMs)).toEqual(
      Array.from({ length: 20 }, (_, place) => (50 - place) * 1000),
    )
  })

  it('does not take a verdict over dead owners for an attempt, but for a failure', () => {
    const crashed = { reason: 'crashed', message: '5 owners in a row died while it ran' } as const
    const report = reportOf({
      tasks: [{ state: 'FAILED', ...crashed }],
      attempts: [{ ...crashed, state: 'FAILED', durationMs: 0 }],
    })
    expect(report.attemptCount).toBe(0)
    expect(report.failures).toMatchObject([{ reason: 'crashed', attemptCount: 1, failedTaskCount: 1 }])
  })

  it('is whole for a root without tasks, and for one without attempts', () => {
    expect(reportOf({ tasks: [], attempts: [], instances: [] }).verdict).toBe('The root holds no tasks.')
    expect(reportOf({ tasks: [{}], attempts: [] })).toMatchObject({ verdict: 'The task is done.', jobs: [] })
  })
})
