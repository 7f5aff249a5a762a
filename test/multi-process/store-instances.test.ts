/** Several instances on one root at the same time: they race, one is stopped and wakes late, one dies. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Actor, type ActorLine, processState, runActor, startActor, stateOf } from './store-actors.ts'

const freshRoot = (): string => join(temporaryDirectory(), 'root')

describe('instances that race for the same tasks', () => {
  it.each([2, 4])('%d of them claim each task once and leave all DONE', async (count) => {
    const root = freshRoot()
    const tasks = Array.from({ length: 1000 }, (_, index) => `task ${index}`)
    const runs = Array.from({ length: count }, () =>
      runActor({ root, tasks, durability: 'none', actions: [['race']] }),
    )
    const won = (await Promise.all(runs)).flatMap(([, line]) => line?.won ?? [])
    expect(won).toHaveLength(tasks.length)
    expect(new Set(won).size).toBe(tasks.length)
    // Every claim had the first slot: none was made after another.
    expect(won.every((claim) => claim.endsWith(' 1'))).toBe(true)
    for (const name of tasks) expect(stateOf(root, name)).toBe('DONE\n')
  })
})

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

/** Ends a command that a failing test has left. */
function endGroup(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already, as it should be.
  }
}

describe('commands that outlived their instance', () => {
  it.each([
    ['with its mark, in the recorded group', {}],
    ['without its mark, led by the recorded process', { marked: false }],
    ['whose leader has ended', { orphan: true }],
  ])('are ended before their task is claimed: %s', async (_what, options) => {
    const root = freshRoot()
    const owner = startActor({
      root,
      actions: [
        ['claim', 0],
        ['sleep', 0, options],
      ],
      hold: true,
    })
    await owner.next()
    await owner.next()
    const { pid = 0 } = (await owner.next()) ?? {}
    onTestFinished(() => endGroup(pid))
    expect(processState(pid)).toMatch(/^[SRD]$/)
    owner.child.kill('SIGKILL')
    expect(await owner.ended).toBe('SIGKILL')
    expect(processState(pid)).toMatch(/^[SRD]$/)
    const [opened, outcome] = await runActor({ root, actions: [['claim', 0]] })
    expect(opened).toMatchObject({ codes: [0], faults: [] })
    expect(outcome).toMatchObject({ kind: 'claimed', slot: 2 })
    expect(processState(pid)).toBeOneOf([undefined, 'Z'])
  })

  it('are left alone while their instance lives', async () => {
    const root = freshRoot()
    const owner = startActor({
      root,
      actions: [
        ['claim', 0],
        ['sleep', 0],
      ],
      hold: true,
    })
    await owner.next()
    await owner.next()
    const { pid = 0 } = (await owner.next()) ?? {}
    onTestFinished(() => endGroup(pid))
    const [opened] = await runActor({ root, actions: [] })
    expect(opened?.codes).toEqual([5])
    expect(processState(pid)).toMatch(/^[SRD]$/)
  })
})

it('an instance that runs is seen to be dead as soon as it is killed', async () => {
  const root = freshRoot()
  const owner = startActor({ root, actions: [['claim', 0]], hold: true })
  await owner.next()
  await owner.next()
  const other = startActor({ root, actions: [['claim', 0]], hold: true })
  await other.next()
  expect(await other.next()).toMatchObject({ kind: 'elsewhere' })
  other.letGo()
  owner.child.kill('SIGKILL')
  await owner.ended
  expect(
    (
      await runActor({
        root,
        actions: [
          ['claim', 0],
          ['DONE', 0],
        ],
      })
    )[2],
  ).toEqual({ slot: 3 })
})
