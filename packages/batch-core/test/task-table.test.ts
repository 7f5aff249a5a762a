import { describe, expect, it } from 'vitest'
import { InvariantError, STATE_CODE, TaskTable, UsageError } from '../src/index.ts'

function tableOf(taskCount: number): TaskTable {
  return TaskTable.create(new Int32Array(TaskTable.wordCount(taskCount)), taskCount)
}

describe('the task table', () => {
  it('hands out open tasks in the given order, each once', () => {
    const table = tableOf(4)
    table.fill({ codes: new Uint8Array(4), order: [2, 0, 3, 1] })
    expect([1, 2, 3, 4, 5].map((owner) => table.claimNext(owner))).toEqual([2, 0, 3, 1, undefined])
    expect(table.count('RUNNING')).toBe(4)
    expect(table.count('OPEN')).toBe(0)
  })

  it('leaves tasks alone whose state is not asked for', () => {
    const codes = Uint8Array.of(
      STATE_CODE.DONE,
      STATE_CODE.FAILED,
      STATE_CODE.OPEN,
      STATE_CODE.ELSEWHERE,
      STATE_CODE.INVALID,
    )
    const plain = tableOf(5)
    plain.fill({ codes })
    expect([plain.claimNext(0), plain.claimNext(0)]).toEqual([2, undefined])
    const all = tableOf(5)
    all.fill({ codes, claimable: { retryFailed: true, rerun: true, stealRunning: true } })
    expect([0, 0, 0, 0, 0].map((owner) => all.claimNext(owner))).toEqual([0, 1, 2, 3, undefined])
    expect(all.count('INVALID')).toBe(1)
  })

  it('lets only the owner end a task', () => {
    const table = tableOf(2)
    table.fill({ codes: new Uint8Array(2) })
    expect(table.claimNext(7)).toBe(0)
    expect(() => table.set(0, { owner: 8, state: 'DONE' })).toThrow(UsageError)
    expect(() => table.set(1, { owner: 7, state: 'DONE' })).toThrow(UsageError)
    table.set(0, { owner: 7, state: 'DONE', slot: 2 })
    expect([table.stateOf(0), table.slotOf(0)]).toEqual(['DONE', 2])
    expect(() => table.set(0, { owner: 7, state: 'FAILED' })).toThrow(UsageError)
  })

  it('never lowers an event slot', () => {
    const table = tableOf(1)
    table.fill({ codes: new Uint8Array(1) })
    table.claimNext(0)
    table.noteSlot(0, 9)
    table.set(0, { owner: 0, state: 'FAILED', slot: 4 })
    expect(table.slotOf(0)).toBe(9)
  })

  it('hands out a re-opened task after all others, and refuses to queue one twice', () => {
    const table = tableOf(2)
    table.fill({ codes: Uint8Array.of(STATE_CODE.ELSEWHERE, STATE_CODE.OPEN) })
    table.reopen(0)
    table.enqueue(0)
    expect([table.claimNext(0), table.claimNext(0), table.claimNext(0)]).toEqual([1, 0, undefined])
    const full = tableOf(1)
    full.fill({ codes: new Uint8Array(1) })
    expect(() => full.enqueue(0)).toThrow(InvariantError)
  })

  it('claims a failed task again only from FAILED', () => {
    const table = tableOf(1)
    table.fill({ codes: new Uint8Array(1) })
    table.claimNext(0)
    expect(table.claim(0, 0, 'FAILED')).toBe(false)
    table.set(0, { owner: 0, state: 'FAILED' })
    expect(table.claim(0, 3, 'FAILED')).toBe(true)
    expect(table.tasksIn('RUNNING')).toEqual([0])
  })

  it('refuses memory that holds no table and indices that are no tasks', () => {
    expect(() => new TaskTable(new Int32Array(64))).toThrow(InvariantError)
    expect(() => tableOf(3).stateOf(3)).toThrow('tasks count from 0 to 2')
  })

  it('takes 12 bytes a task', () => {
    expect(TaskTable.wordCount(1_000_000) * Int32Array.BYTES_PER_ELEMENT).toBeLessThan(12_000_300)
  })
})
