import { describe, expect, it } from 'vitest'
import { EVENT_KINDS, type EventKind } from '../src/event.ts'
import type { StateReading } from '../src/state-file.ts'
import { judgeTask } from '../src/task-view.ts'

const STATES: Readonly<Record<string, StateReading>> = {
  absent: { kind: 'absent' },
  empty: { kind: 'empty' },
  OPEN: { kind: 'word', state: 'OPEN' },
  RUNNING: { kind: 'word', state: 'RUNNING' },
  DONE: { kind: 'word', state: 'DONE' },
  FAILED: { kind: 'word', state: 'FAILED' },
}

function judged(state: string, last: EventKind | 'none' | 'unreadable', pending: boolean): string {
  const content = { instance: 'x', proc: 0, nonce: '' }
  const event =
    last === 'none'
      ? undefined
      : last === 'unreadable'
        ? { slot: 5 }
        : { slot: 5, content: { ...content, kind: last } }
  const view = judgeTask(STATES[state] ?? { kind: 'invalid', reason: '' }, event, () => pending)
  return view.kind === 'settled' || view.kind === 'ending' ? `${view.kind} ${view.state}` : view.kind
}

describe('what state and last event say together', () => {
  // One line per state; one column per last event: none, then each kind with its payload gone, then still there.
  const table = `
    absent   open         claimed      claimed  ending DONE   ending DONE  ending FAILED   ending FAILED  open     open
    empty    open         claimed      claimed  ending DONE   ending DONE  ending FAILED   ending FAILED  open     open
    OPEN     open         claimed      claimed  settled DONE  ending DONE  settled FAILED  ending FAILED  open     open
    RUNNING  foreign      claimed      claimed  ending DONE   ending DONE  ending FAILED   ending FAILED  foreign  open
    DONE     settled DONE settled DONE settled DONE settled DONE settled DONE settled DONE settled DONE settled DONE settled DONE
    FAILED   settled FAILED settled FAILED claimed ending DONE ending DONE settled FAILED settled FAILED open open`
  const words = (line: string): string[] => line.trim().match(/(settled|ending) \w+|\w+/g) ?? []

  it.each(table.trim().split('\n').map(words))('%s', (state, ...expected) => {
    const columns = EVENT_KINDS.flatMap((kind) => [judged(state, kind, false), judged(state, kind, true)])
    expect([judged(state, 'none', false), ...columns]).toEqual(expected)
  })

  it('leaves a task alone whose last event can not be read, unless it is DONE', () => {
    expect(Object.keys(STATES).map((state) => judged(state, 'unreadable', false))).toEqual([
      ...['unknown', 'unknown', 'unknown', 'unknown', 'settled DONE', 'unknown'],
    ])
  })

  it('leaves a task alone whose state is no state, whatever its events', () => {
    expect(EVENT_KINDS.map((kind) => judged('nonsense', kind, true))).toEqual(
      EVENT_KINDS.map(() => 'invalid'),
    )
  })
})
