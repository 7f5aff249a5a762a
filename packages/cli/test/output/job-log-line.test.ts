import type { AttemptRow } from '@mpibatch/fs-state'
import { describe, expect, it } from 'vitest'
import { jobLogLine } from '../../src/output/job-log-line.ts'

const ROW: AttemptRow = {
  ...{ task: 'a', instance: '0123456789abcdef', slot: 1, attempt: 1, outcome: 'ended', state: 'DONE' },
  ...{ reason: 'done', exitCode: 0, host: 'node7', worker: 0 },
  ...{ startedAtMs: 1_700_000_000_123.4, endedAtMs: 1_700_000_001_000, durationMs: 876.6 },
}
const TASK = { number: 7, summary: 'echo a' }

const lineOf = (row: Partial<AttemptRow>): readonly string[] | undefined =>
  jobLogLine({ ...ROW, ...row }, TASK)?.split('\t')
const endOf = (row: Partial<AttemptRow>): readonly string[] | undefined =>
  lineOf({ state: 'FAILED', ...row })?.slice(6, 8)

describe('a line of a job log', () => {
  it("has GNU parallel's columns, and times in seconds", () => {
    expect(lineOf({})).toEqual(['7', 'node7', '1700000000.123', '     0.877', '0', '0', '0', '0', 'echo a'])
  })

  it('names a task of which nothing else is known', () => {
    for (const summary of [undefined, '{}'])
      expect(jobLogLine(ROW, { number: 7, summary })?.split('\t').at(-1)).toBe('a')
  })

  it('tells a failure by exit code or signal, also where the command gave neither', () => {
    expect(endOf({ reason: 'exit', exitCode: 3 })).toEqual(['3', '0'])
    const { exitCode: _exitCode, ...without } = ROW
    const killed: AttemptRow = { ...without, state: 'FAILED', reason: 'signal', signal: 'SIGKILL' }
    expect(jobLogLine(killed, TASK)?.split('\t').slice(6, 8)).toEqual(['0', '9'])
    expect(endOf({ reason: 'timeout', exitCode: 0 })).toEqual(['-1', '0'])
  })

  it('is not there for an attempt without a result that counts', () => {
    expect(lineOf({ state: 'OPEN', reason: 'interrupted' })).toBeUndefined()
    expect(lineOf({ outcome: 'discarded' })).toBeUndefined()
    expect(lineOf({ outcome: 'unfinished' })).toBeUndefined()
  })

  it('stays one line of nine columns, whatever stands in it', () => {
    const line = jobLogLine(ROW, { number: 1, summary: 'printf "a\tb\nc"\u001b[2J' })
    expect(line?.split('\t')).toHaveLength(9)
    expect(line?.split('\n')).toHaveLength(1)
    expect(line).not.toContain('\u001b')
  })
})
