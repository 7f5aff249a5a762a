/**
 * An owner is stopped at each step of an append and declared dead although its lease stands, as a wrong verdict would
 * do it. When it wakes, the slots of its task alone are between it and what its successor has made.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type Actor,
  type ActorLine,
  processState,
  runActor,
  startActor,
  stateOf,
} from '../multi-process/store-actors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const freshRoot = (): string => join(temporaryDirectory(), 'root')

/** Makes a stopped instance look dead to the others, as a wrong verdict would. */
function declareDead(root: string, instance: string | undefined): void {
  const path = join(root, '.mpibatch', 'i', instance ?? '', 'info.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), startTime: '1' }))
}

async function stopped({ child }: Actor): Promise<void> {
  const { pid = 0 } = child
  await waitUntil(() => processState(pid) === 'T', { describe: () => `state ${processState(pid)}` })
}

describe('an owner that is stopped, declared dead, and wakes late', () => {
  const STEPS = ['begin', 'P1', 'P2', 'P3', 'P4', 'P5'] as const
  const isPublished = (step: string): boolean => !['begin', 'P1'].includes(step)

  it.each(STEPS.flatMap((step) => [[step, 'DONE'] as const, [step, 'FAILED'] as const]))(
    'after %s of its DONE can not change what its successor made %s',
    async (step, word) => {
      const root = freshRoot()
      const stop = { signal: 'SIGSTOP', operation: 'append', step, kind: 'DONE' } as const
      const zombie = startActor({
        root,
        stop,
        actions: [
          ['claim', 0],
          ['DONE', 0],
        ],
        hold: true,
      })
      const opened = await zombie.next()
      expect(await zombie.next()).toMatchObject({ kind: 'claimed', slot: 1 })
      await stopped(zombie)
      declareDead(root, opened?.instance)
      const actions = isPublished(step)
        ? [['claim', 0] as const]
        : [['claim', 0] as const, [word, 0] as const]
      const [, successor, end] = await runActor({ root, actions })
      if (isPublished(step)) expect(successor).toMatchObject({ kind: 'settled', state: 'DONE' })
      else {
        expect(successor).toMatchObject({ kind: 'claimed', slot: 2 })
        expect(end).toEqual({ slot: 3 })
      }
      const before = stateOf(root)
      zombie.child.kill('SIGCONT')
      const late: ActorLine | undefined = await zombie.next()
      expect(late).toEqual(isPublished(step) ? { slot: 2 } : { error: 'ERR_MPIBATCH_FENCED' })
      expect(stateOf(root)).toBe(before)
      zombie.letGo()
      expect(await zombie.ended).toBe(0)
    },
  )

  it.each(STEPS)('after %s of its claim can not change what its successor made DONE', async (step) => {
    const root = freshRoot()
    const stop = { signal: 'SIGSTOP', operation: 'append', step, kind: 'CLAIM' } as const
    const zombie = startActor({
      root,
      stop,
      actions: [
        ['claim', 0],
        ['FAILED', 0],
      ],
      hold: true,
    })
    const opened = await zombie.next()
    await stopped(zombie)
    declareDead(root, opened?.instance)
    const [, successor, end] = await runActor({
      root,
      actions: [
        ['claim', 0],
        ['DONE', 0],
      ],
    })
    expect(successor?.kind).toBe('claimed')
    expect(end?.slot).toBeGreaterThan(1)
    zombie.child.kill('SIGCONT')
    const late = await zombie.next()
    if (late?.kind === 'claimed') expect(await zombie.next()).toEqual({ error: 'ERR_MPIBATCH_FENCED' })
    else expect(late).toMatchObject({ kind: 'settled', state: 'DONE' })
    expect(stateOf(root)).toBe('DONE\n')
  })
})
