/**
 * An instance is killed after each step of each kind of append; then other processes go on. The expectations are the
 * table of crash points in docs/state-files.md.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ActorLine, runActor, type Script, startActor, stateOf } from '../multi-process/store-actors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** What is expected after a kill. */
interface Expected {
  /** Word in `state` right after the kill; empty where the task has no directory yet. */
  readonly left: string
  /** What the next process gets: the slot of its claim, or the state that the task has ended in. */
  readonly next: number | 'DONE' | 'FAILED'
}

async function killAt(
  script: Script,
  at: { step: string; kind: string; operation?: 'append' | 'roll-forward' },
): Promise<void> {
  const actor = startActor({ ...script, stop: { signal: 'SIGKILL', operation: 'append', ...at } })
  expect(await actor.ended).toBe('SIGKILL')
}

function check(line: ActorLine | undefined, { next }: Expected): void {
  if (typeof next === 'number') expect(line).toMatchObject({ kind: 'claimed', slot: next })
  else expect(line).toMatchObject({ kind: 'settled', state: next })
}

/** One process recovers, or three at once of which one gets the claim; then the task is run to its end. */
async function recover(root: string, expected: Expected): Promise<void> {
  if (expected.left === '') expect(existsSync(join(root, 'a'))).toBe(false)
  else expect(stateOf(root)).toBe(`${expected.left}\n`)
  const actors = [1, 2, 3].map(() => startActor({ root, actions: [['claim', 0]], hold: true }))
  const lines = await Promise.all(
    actors.map(async (actor) => {
      await actor.next()
      return await actor.next()
    }),
  )
  if (typeof expected.next === 'number') {
    expect(lines.map((line) => line?.kind).sort()).toEqual(['claimed', 'elsewhere', 'elsewhere'])
    check(
      lines.find((line) => line?.kind === 'claimed'),
      expected,
    )
  } else for (const line of lines) check(line, expected)
  for (const actor of actors) actor.letGo()
  expect(await Promise.all(actors.map(({ ended }) => ended))).toEqual([0, 0, 0])
  // Their clean exit leaves a claim behind, which the next one takes over at once.
  const [, claimed, done] = await runActor({
    root,
    actions: [['claim', 0], ...(typeof expected.next === 'number' ? [['DONE', 0] as const] : [])],
  })
  if (typeof expected.next === 'number') {
    expect(claimed).toMatchObject({ kind: 'claimed', slot: expected.next + 1 })
    expect(done).toEqual({ slot: expected.next + 2 })
    expect(stateOf(root)).toBe('DONE\n')
  } else check(claimed, expected)
}

const root = (): string => join(temporaryDirectory(), 'root')
const STEPS = ['begin', 'P1', 'P2', 'P3', 'P4', 'P5']

/** A row of the table: what each step of {@link STEPS} leaves. */
type Row = readonly [left: string, next: Expected['next']][]

const AFTER_CLAIM: Row = [
  ['OPEN', 1],
  ['OPEN', 1],
  ['OPEN', 2],
  ['OPEN', 2],
  ['RUNNING', 2],
  ['RUNNING', 2],
]
/** The directory comes with the claim. */
const AFTER_FIRST_CLAIM: Row = [
  ['', 1],
  ['', 1],
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 2],
]
const AFTER_DONE: Row = [
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 'DONE'],
  ['RUNNING', 'DONE'],
  ['DONE', 'DONE'],
  ['DONE', 'DONE'],
]
const AFTER_FAILED: Row = [
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 'FAILED'],
  ['RUNNING', 'FAILED'],
  ['FAILED', 'FAILED'],
  ['FAILED', 'FAILED'],
]
const AFTER_OPEN: Row = [
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 3],
  ['RUNNING', 3],
  ['OPEN', 3],
  ['OPEN', 3],
]
const AFTER_TAKE_OVER: Row = [
  ['RUNNING', 2],
  ['RUNNING', 2],
  ['RUNNING', 3],
  ['RUNNING', 3],
  ['RUNNING', 3],
  ['RUNNING', 3],
]
/** P1 and P2 are not steps of a roll-forward. */
const AFTER_ROLL_FORWARD: Row = [
  ['RUNNING', 'DONE'],
  ['RUNNING', 'DONE'],
  ['DONE', 'DONE'],
  ['DONE', 'DONE'],
]

const cases = (row: Row, steps: readonly string[] = STEPS): [step: string, Expected][] =>
  steps.map((step, index) => {
    const [left, next] = row[index] ?? ['', 'DONE']
    return [step, { left, next }]
  })

describe('killed while it claims a task', () => {
  it.each(cases(AFTER_FIRST_CLAIM))('the first claim, after %s: %j', async (step, expected) => {
    const place = root()
    await killAt({ root: place, actions: [['claim', 0]] }, { step, kind: 'CLAIM' })
    await recover(place, expected)
  })

  it.each(cases(AFTER_CLAIM))('a claim, after %s: %j', async (step, expected) => {
    const place = root()
    mkdirSync(join(place, 'a'), { recursive: true })
    writeFileSync(join(place, 'a', 'state'), 'OPEN\n')
    await killAt({ root: place, actions: [['claim', 0]] }, { step, kind: 'CLAIM' })
    await recover(place, expected)
  })
})

describe.each([
  ['DONE', AFTER_DONE],
  ['FAILED', AFTER_FAILED],
  ['OPEN', AFTER_OPEN],
] as const)('killed while it makes a task %s', (kind, row) => {
  it.each(cases(row))('a result or release, after %s: %j', async (step, expected) => {
    const place = root()
    await killAt(
      {
        root: place,
        actions: [
          ['claim', 0],
          [kind, 0],
        ],
      },
      { step, kind },
    )
    await recover(place, expected)
  })
})

describe('killed while it takes a task over', () => {
  it.each(cases(AFTER_TAKE_OVER))('a take-over, after %s: %j', async (step, expected) => {
    const place = root()
    await killAt(
      {
        root: place,
        actions: [
          ['claim', 0],
          ['DONE', 0],
        ],
      },
      { step: 'begin', kind: 'DONE' },
    )
    await killAt({ root: place, actions: [['claim', 0]] }, { step, kind: 'CLAIM' })
    await recover(place, expected)
  })
})

describe('killed while it completes the result of a dead owner', () => {
  it.each(cases(AFTER_ROLL_FORWARD, ['begin', 'P3', 'P4', 'P5']))(
    'a roll-forward, after %s: %j',
    async (step, expected) => {
      const place = root()
      await killAt(
        {
          root: place,
          actions: [
            ['claim', 0],
            ['DONE', 0],
          ],
        },
        { step: 'P2', kind: 'DONE' },
      )
      await killAt(
        { root: place, actions: [['claim', 0]] },
        { step, kind: 'DONE', operation: 'roll-forward' },
      )
      await recover(place, expected)
    },
  )
})

it('fails a task on which five owners have died', async () => {
  const place = root()
  for (let death = 1; death <= 5; death += 1) {
    await killAt(
      {
        root: place,
        actions: [
          ['claim', 0],
          ['DONE', 0],
        ],
      },
      { step: 'begin', kind: 'DONE' },
    )
  }
  const [, outcome] = await runActor({ root: place, actions: [['claim', 0]] })
  expect(outcome).toMatchObject({ kind: 'settled', state: 'FAILED', slot: 6 })
})
