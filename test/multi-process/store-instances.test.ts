/** Several instances on one root at the same time: they race, and one dies. */
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { processState, runActor, startActor, stateOf } from './store-actors.ts'

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
