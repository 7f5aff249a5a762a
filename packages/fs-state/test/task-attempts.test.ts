import { expect, it } from 'vitest'
import type { AttemptLine } from '../src/attempt-log.ts'
import { putAttemptsTogether } from '../src/task-attempts.ts'
import { RECORD } from './store-harness.ts'

const [ONE, TWO] = ['1'.repeat(16), '2'.repeat(16)]

const end = (slot: number, atMs: number): AttemptLine => ({
  ...{ kind: 'end', task: 'a', slot, attempt: 1, state: 'DONE', host: 'h', atMs },
  ...RECORD,
})

it('attempts whose events were removed come first, part by part of the history', () => {
  const claim = { kind: 'CLAIM', instance: TWO, proc: 0, nonce: '00000000' } as const
  const attempts = putAttemptsTogether(
    [{ slot: 1, content: claim }],
    [
      {
        instance: TWO,
        part: Number.POSITIVE_INFINITY,
        line: { kind: 'start', task: 'a', slot: 1, processGroup: 7, startTime: '', atMs: 9 },
      },
      { instance: ONE, part: 2, line: end(1, 3) },
      { instance: ONE, part: 1, line: end(3, 2) },
      { instance: TWO, part: 1, line: end(2, 1) },
      { instance: TWO, part: 1, line: { kind: 'discarded', task: 'a', slot: 2 } },
    ],
  )
  expect(attempts).toMatchObject([
    { attempt: 1, slot: 2, instance: TWO, outcome: 'discarded', endedAtMs: 1 },
    { attempt: 2, slot: 3, instance: ONE, outcome: 'ended', endedAtMs: 2 },
    { attempt: 3, slot: 1, instance: ONE, outcome: 'ended', endedAtMs: 3 },
    { attempt: 4, slot: 1, instance: TWO, outcome: 'unfinished', processGroup: 7 },
  ])
})
