import type { TaskReport } from '@mpibatch/fs-state'
import { describe, expect, it } from 'vitest'
import { printable } from '../../src/output/printable.ts'
import {
  alignColumns,
  FORMAT_FIELDS,
  formatTask,
  outcomeText,
  taskCells,
  taskRecord,
} from '../../src/output/task-line.ts'

const report = (facts: Partial<TaskReport>): TaskReport => ({
  index: 0,
  name: 'a',
  state: 'FAILED',
  slot: 2,
  attempts: 1,
  ...facts,
})

describe('a task in a list', () => {
  it.each([
    [{ reason: 'exit', exitCode: 3 }, 'exit 3'],
    [{ reason: 'signal', signal: 'SIGSEGV' }, 'SIGSEGV'],
    [{ reason: 'timeout', signal: 'SIGTERM' }, 'timeout'],
    [{ reason: 'not-found' }, 'not found'],
    [{ reason: 'not-executable' }, 'not executable'],
    [{ reason: 'done', exitCode: 0 }, 'exit 0'],
    [{ reason: 'done' }, 'ok'],
    [{}, '-'],
  ] as const)('tells how it ended: %j', (facts, text) => {
    expect(outcomeText(report(facts as Partial<TaskReport>))).toBe(text)
  })

  it('can not write to the terminal by its name or message', () => {
    const cells = taskCells(report({ name: '\u001b[2Jx', message: 'a\rb\u009b' }))
    expect(cells.join('')).not.toMatch(/\p{Cc}/u)
    expect(printable('\u001b[2Jx')).toBe('\\x1b[2Jx')
  })

  it('has every documented field as data, null where nothing is known', () => {
    const record = taskRecord(report({}))
    expect(Object.keys(record).sort()).toEqual([...FORMAT_FIELDS].sort())
    expect(record).toMatchObject({ exit: null, signal: null, duration: null, owner: null, values: {} })
  })

  it('is put into a format by its fields', () => {
    const record = taskRecord(report({ exitCode: 3, durationMs: 1500 }))
    expect(formatTask('{name}:{exit}:{duration}:{host}:{nonsense}', record)).toBe('a:3:1.5::{nonsense}')
  })

  it('stands under its column', () => {
    expect([
      ...alignColumns([
        ['NAME', 'X'],
        ['longer', 'y'],
      ]),
    ]).toEqual(['NAME    X', 'longer  y'])
  })
})
