import { describe, expect, it } from 'vitest'
import { FailureGroups, messageShape } from '../../src/report/failure-groups.ts'

describe('messages that differ in numbers and names only', () => {
  it.each([
    ['exit code 3: row 17 of 200', 'exit code #: row # of #'],
    ['at 0x7ffe12ab, -1.5e-7 left', 'at #, # left'],
    ['commit 9f86d081884c7d65 is missing', 'commit # is missing'],
    ['deadbeef is a word, and so is facade', 'deadbeef is a word, and so is facade'],
    ['no convergence', 'no convergence'],
  ])('%s has one shape', (message, shape) => {
    expect(messageShape(message, { task: 't' })).toBe(shape)
  })

  it('have the same shape if they name their task or what it was made from', () => {
    expect(messageShape('alpha.dat is empty', { task: 'alpha' })).toBe('{name}.dat is empty')
    const named = { task: 'task_000001', values: { 1: 'beta.dat', 2: 7 } }
    expect(messageShape('task_000001: beta.dat is empty', named)).toBe('{name}: {value} is empty')
  })

  it('are not changed by names that are parts of words', () => {
    expect(messageShape('capacity of a city', { task: 'city' })).toBe('capacity of a {name}')
    expect(messageShape('a file is missing', { task: 'a' })).toBe('a file is missing')
  })

  it('are counted together, by how they ended', () => {
    const groups = new FailureGroups()
    for (const row of [1, 2, 3])
      groups.addAttempt({ task: `t${row}`, reason: 'exit 1', message: `row ${row}` })
    groups.addAttempt({ task: 't4', reason: 'exit 2', message: 'row 4' })
    groups.addFailedTask({ task: 't3', reason: 'exit 1', message: 'row 3' })
    expect(groups.sorted()).toEqual([
      { reason: 'exit 1', shape: 'row #', message: 'row 3', attemptCount: 3, failedTaskCount: 1, task: 't3' },
      { reason: 'exit 2', shape: 'row #', message: 'row 4', attemptCount: 1, failedTaskCount: 0, task: 't4' },
    ])
  })

  it('need no more memory than 2,000 kinds do', () => {
    const groups = new FailureGroups()
    const letters = (value: number): string =>
      [...String(value)].map((digit) => 'ghijklmnop'[Number(digit)]).join('')
    for (let kind = 0; kind < 5000; kind += 1)
      groups.addAttempt({ task: 'other', reason: 'error', message: `cannot ${letters(kind)}` })
    const sorted = groups.sorted()
    expect(sorted).toHaveLength(2001)
    expect(sorted[0]).toMatchObject({ shape: 'other messages', attemptCount: 3000 })
  })
})
