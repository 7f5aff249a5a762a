/**
 * An instance is stopped at each step of each append, until another one has found it dead by its missing signs of life
 * and has gone on in its place. Then it wakes, and must not change what its successor has made.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Actor, processState, type Script, startActor, stateOf } from '../multi-process/store-actors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Times as short as they may be here: the tests wait for verdicts. */
const liveness = { heartbeatMs: 50, leaseMs: 300, visibilityMs: 0, deadAfterMs: 400 }
const STEPS = ['begin', 'P1', 'P2', 'P3', 'P4', 'P5'] as const
type Step = (typeof STEPS)[number]
const WORDS = ['DONE', 'FAILED'] as const
type Word = (typeof WORDS)[number]
const RUN = STEPS.flatMap((step) => WORDS.map((word) => [step, word] as const))

/** Whether the event was made when its owner was stopped after this step. */
const isMade = (step: Step): boolean => step !== 'begin' && step !== 'P1'
const isTooLate = expect.stringMatching(/^ERR_MPIBATCH_(FENCED|LEASE_LOST)$/)

type Stop = Omit<Extract<Script['stop'], { step: string }>, 'signal'>

function start(root: string, script: Pick<Script, 'actions'>, stop?: Stop): Actor {
  const more = stop === undefined ? {} : { stop: { signal: 'SIGSTOP', ...stop } as const }
  return startActor({ root, liveness, crashLimit: 100, hold: true, ...script, ...more })
}

/** Starts an instance that stops itself. @returns It, with the lines that it printed before. */
async function startZombie(root: string, actions: Script['actions'], stop: Stop): Promise<Actor> {
  const zombie = start(root, { actions }, stop)
  const { pid = 0 } = zombie.child
  await waitUntil(() => processState(pid) === 'T', { describe: () => `state ${processState(pid)}` })
  return zombie
}

/** Lets a successor wait for the verdict, and then act. @returns What came of its actions. */
async function succeed(root: string, ...actions: Script['actions']): Promise<readonly unknown[]> {
  const successor = start(root, { actions })
  const lines = []
  // The first tells of its start.
  for (let count = 0; count <= actions.length; count += 1) lines.push(await successor.next())
  return lines.slice(1)
}

/** Wakes an instance and lets it come to its end. @returns What came of the actions that it had not finished. */
async function wake(zombie: Actor, finishedCount: number): Promise<readonly unknown[]> {
  zombie.child.kill('SIGCONT')
  zombie.letGo()
  const lines = []
  for (let line = await zombie.next(); line !== undefined; line = await zombie.next()) lines.push(line)
  expect(await zombie.ended).toBe(0)
  return lines.slice(1 + finishedCount, -1)
}

const freshRoot = (): string => join(temporaryDirectory(), 'root')

describe.each(['DONE', 'FAILED', 'OPEN'] as const)(
  'an owner that is stopped while it makes its task %s',
  (kind) => {
    it.each(RUN)('after %s, does not change what its successor made %s', async (step, word) => {
      const root = freshRoot()
      const stop = { operation: 'append', step, kind } as const
      const zombie = await startZombie(
        root,
        [
          ['claim', 0],
          [kind, 0],
        ],
        stop,
      )
      if (isMade(step) && kind !== 'OPEN') {
        // The result stands, whoever brings it to the end.
        expect(await succeed(root, ['await', 0])).toEqual([
          expect.objectContaining({ kind: 'settled', state: kind }),
        ])
        expect(await wake(zombie, 1)).toEqual([{ slot: 2 }])
        expect(stateOf(root)).toBe(`${kind}\n`)
        return
      }
      const slot = isMade(step) ? 3 : 2
      expect(await succeed(root, ['await', 0], [word, 0])).toEqual([
        expect.objectContaining({ kind: 'claimed', slot }),
        { slot: slot + 1 },
      ])
      expect(await wake(zombie, 1)).toEqual([isMade(step) ? { slot: 2 } : { error: isTooLate }])
      expect(stateOf(root)).toBe(`${word}\n`)
    })
  },
)

/** The zombie's end of a claim that came too late: it sees the other's result, or learns that it is dead. */
function checkLateClaim([claim, result]: readonly unknown[], word: Word): void {
  expect([expect.objectContaining({ kind: 'settled', state: word }), { error: isTooLate }]).toContainEqual(
    claim,
  )
  expect(result).toBeUndefined()
}

describe.each(['new', 'known'])('an instance that is stopped while it claims a %s task', (kind) => {
  it.each(RUN)('after %s, does not change what its successor made %s', async (step, word) => {
    const root = freshRoot()
    if (kind === 'known') {
      mkdirSync(join(root, 'a'), { recursive: true })
      writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
    }
    const zombie = await startZombie(root, [['claim', 0]], { operation: 'append', step, kind: 'CLAIM' })
    const slot = isMade(step) ? 2 : 1
    expect(await succeed(root, ['await', 0], [word, 0])).toEqual([
      expect.objectContaining({ kind: 'claimed', slot }),
      { slot: slot + 1 },
    ])
    checkLateClaim(await wake(zombie, 0), word)
    expect(stateOf(root)).toBe(`${word}\n`)
  })
})

describe('an instance that is stopped while it takes over the claim', () => {
  it.each(RUN)(
    'of a dead owner, after %s, does not change what its successor made %s',
    async (step, word) => {
      const root = freshRoot()
      const dead = start(root, { actions: [['claim', 0]] })
      await dead.next()
      expect(await dead.next()).toMatchObject({ kind: 'claimed', slot: 1 })
      dead.child.kill('SIGKILL')
      await dead.ended
      const zombie = await startZombie(root, [['claim', 0]], { operation: 'append', step, kind: 'CLAIM' })
      const slot = isMade(step) ? 3 : 2
      expect(await succeed(root, ['await', 0], [word, 0])).toEqual([
        expect.objectContaining({ kind: 'claimed', slot }),
        { slot: slot + 1 },
      ])
      checkLateClaim(await wake(zombie, 0), word)
      expect(stateOf(root)).toBe(`${word}\n`)
    },
  )
})

describe('an instance that is stopped while it completes the result of a dead one', () => {
  it.each(['begin', 'P3', 'P4', 'P5'])(
    'after %s, does not bring that result back once it was run again',
    async (step) => {
      const root = freshRoot()
      const stop = { signal: 'SIGKILL', operation: 'append', step: 'P2', kind: 'DONE' } as const
      const dead = startActor({
        root,
        stop,
        actions: [
          ['claim', 0],
          ['DONE', 0],
        ],
      })
      expect(await dead.ended).toBe('SIGKILL')
      const zombie = await startZombie(root, [['claim', 0]], {
        operation: 'roll-forward',
        step,
        kind: 'DONE',
      })
      const rerun = await succeed(root, ['await', 0], ['claim', 0, { rerun: true }], ['FAILED', 0])
      expect(rerun).toEqual([
        expect.objectContaining({ kind: 'settled', state: 'DONE' }),
        expect.objectContaining({ kind: 'claimed', slot: 4 }),
        { slot: 5 },
      ])
      const [late] = await wake(zombie, 0)
      expect(late).toMatchObject({ kind: 'settled', state: 'FAILED' })
      expect(stateOf(root)).toBe('FAILED\n')
    },
  )
})
