import { describe, expect, it } from 'vitest'
import { LiveTasks } from '../../page/live-tasks.ts'
import { printable, readableOutput } from '../../page/printable.ts'

describe('the tasks of the live page', () => {
  it('are found by state and by a part of their name, in their order', () => {
    const tasks = new LiveTasks()
    const states = Buffer.from([2, 3, 2, 1, 3]).toString('base64')
    expect(tasks.apply({ list: 1, taskCount: 5, states })).toBe(true)
    tasks.setNames(['Alpha', 'beta', 'gamma', 'alphabet', 'ALPHA2'])
    expect(tasks.filter(new Set(), '')).toBeUndefined()
    expect([...(tasks.filter(new Set([3]), '') ?? [])]).toEqual([1, 4])
    expect([...(tasks.filter(new Set([3, 1]), 'alpha') ?? [])]).toEqual([3, 4])
    expect([...(tasks.filter(new Set(), 'none') ?? [])]).toEqual([])
    expect(tasks.apply({ list: 1, taskCount: 5, changes: [0, 3] })).toBe(false)
    expect([...(tasks.filter(new Set([3]), 'ALPHA') ?? [])]).toEqual([0, 4])
    expect(tasks.counts()).toEqual([0, 1, 1, 3, 0, 0, 0])
  })
})

describe('text of others on the page', () => {
  it('shows what can not be seen, and what turns writing round', () => {
    expect(printable('a\u0000b\u001b[31m\u007f\u009f')).toBe('a␀b␛[31m␡\\u009f')
    expect(printable('gpj.\u202eexe')).toBe('gpj.\\u202eexe')
    expect(printable('größe 例 🎉')).toBe('größe 例 🎉')
  })

  it('is what a terminal would have shown of a log', () => {
    expect(readableOutput('\u001b[1;32mok\u001b[0m\u001b]0;title\u0007 done\r\n')).toBe('ok done\n')
    expect(readableOutput('10 %\r50 %\r100 %\nnext\tcell\n')).toBe('100 %\nnext\tcell\n')
    expect(readableOutput('bell\u0007')).toBe('bell␇')
  })
})
