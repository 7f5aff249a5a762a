import type { TaskCounts } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { summarize, summaryLines } from '../../src/run/run-summary.ts'
import { type StopCause, StopControl } from '../../src/run/stop-control.ts'

function stopped(...causes: StopCause[]): StopControl {
  const stop = new StopControl(() => undefined)
  for (const cause of causes) stop.requestDrain(cause)
  return stop
}

function summaryOf(
  counts: Partial<TaskCounts>,
  stop = stopped(),
  hasTimeLimit = false,
): ReturnType<typeof summarize> {
  const all = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0, ELSEWHERE: 0, ...counts }
  return summarize({ root: 'my root', counts: all, durationMs: 1234, stop, hasTimeLimit })
}

describe('the end of a run', () => {
  it('is that of its time limit only where it has one, and nothing else has ended it', () => {
    const open = { DONE: 2, OPEN: 1 }
    expect(summaryOf(open, stopped(), true)).toMatchObject({ stoppedBy: 'time-limit', exitCode: 143 })
    expect(summaryOf(open, stopped('SIGINT'), true)).toMatchObject({ stoppedBy: 'SIGINT', exitCode: 130 })
    expect(summaryOf({ DONE: 3 }, stopped(), true)).toMatchObject({ stoppedBy: null, exitCode: 0 })
    expect(summaryOf(open)).toMatchObject({ stoppedBy: null, exitCode: 1 })
  })

  it.each([
    ['all is DONE', { DONE: 3 }, [], 0],
    ['a task failed', { DONE: 2, FAILED: 1 }, [], 1],
    ['a task runs elsewhere', { DONE: 2, ELSEWHERE: 1 }, [], 1],
    ['a task is left alone', { DONE: 2, INVALID: 1 }, [], 1],
    ['Ctrl-C left tasks open', { DONE: 2, OPEN: 1 }, ['SIGINT'], 130],
    ['SIGTERM left tasks open', { DONE: 2, OPEN: 1 }, ['SIGTERM'], 143],
    ['SIGUSR1 left tasks open', { DONE: 2, OPEN: 1 }, ['SIGUSR1'], 143],
    ['a signal came too late to leave anything', { DONE: 3 }, ['SIGINT'], 0],
    ['a limit of failures left tasks open', { FAILED: 2, OPEN: 1 }, ['halt'], 1],
    ['the first of two causes counts', { OPEN: 1 }, ['SIGTERM', 'SIGINT'], 143],
  ] as const)('has its exit code when %s', (_, counts, causes, exitCode) => {
    expect(summaryOf(counts, stopped(...causes)).exitCode).toBe(exitCode)
  })

  it('counts every task, and says what to do next', () => {
    const summary = summaryOf(
      { DONE: 2, FAILED: 1, OPEN: 1, RUNNING: 1, ELSEWHERE: 1, INVALID: 1 },
      stopped('SIGINT'),
    )
    expect(summary).toMatchObject({
      tasks: 7,
      done: 2,
      failed: 1,
      open: 2,
      elsewhere: 1,
      invalid: 1,
      stoppedBy: 'SIGINT',
    })
    expect(summaryLines(summary).join('\n')).toContain("mpibatch list 'my root' --state failed")
    expect(summaryLines(summary).at(-1)).toContain('Run the same line again')
  })
})

describe('requests to stop', () => {
  it('go from draining to ending, never back', () => {
    const stop = stopped('halt')
    expect([stop.drain.aborted, stop.interrupt.aborted]).toEqual([true, false])
    stop.requestInterrupt('error')
    expect([stop.drain.aborted, stop.interrupt.aborted, stop.kill.aborted]).toEqual([true, true, false])
    expect(stop.cause).toBe('halt')
  })
})
