/** Processes of one job, as ranks under MPI are: one opens the batch, the others join it by its ticket. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRootView } from '@mpibatch/fs-state'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type Actor, runActor, startActor, stateOf } from './store-actors.ts'

const ELSEWHERE = 5
const TASKS = ['a', 'b', 'c']

/** Starts a job of three processes, each with the task of its number; gives each with the name of its instance. */
async function startJob(root: string): Promise<{ actor: Actor; instance: string }[]> {
  const ranks: { actor: Actor; instance: string }[] = []
  let ticket: unknown
  for (const index of TASKS.keys()) {
    const script = {
      root,
      tasks: TASKS,
      hold: true,
      actions: [['claim', index] as const, ['finish'] as const],
    }
    const actions = index === 1 ? script.actions.slice(0, 1) : script.actions
    const actor = startActor({ ...script, actions, ...(ticket === undefined ? {} : { ticket }) })
    const opened = await actor.next()
    ticket ??= opened?.ticket
    expect(await actor.next()).toMatchObject({ kind: 'claimed', slot: 1 })
    if (index !== 1) await actor.next()
    ranks.push({ actor, instance: opened?.instance ?? '' })
  }
  return ranks
}

const lifeOf = (root: string, instance: string): string =>
  readFileSync(join(root, '.mpibatch', 'i', instance, 'life.2'), 'utf8')

describe('the processes of a job', () => {
  it('are instances of their own that belong together', async () => {
    const root = join(temporaryDirectory(), 'root')
    const ranks = await startJob(root)
    const names = ranks.map(({ instance }) => instance)
    expect(new Set(names).size).toBe(3)
    const reports = openRootView(root).instances()
    expect(reports.map(({ alive, batch, pid }) => ({ alive, batch, pid }))).toEqual(
      ranks.map(({ actor }) => ({ alive: true, batch: names[0], pid: actor.child.pid })),
    )
    for (const { actor } of ranks.toReversed()) {
      actor.letGo()
      expect(await actor.ended).toBe(0)
    }
    for (const name of names) expect(lifeOf(root, name)).toBe('EXITED\n')
  })

  it('die alone: only the tasks of one that is gone go to another instance, at once', async () => {
    const root = join(temporaryDirectory(), 'root')
    const [first, second, third] = await startJob(root)
    second?.actor.child.kill('SIGKILL')
    expect(await second?.actor.ended).toBe('SIGKILL')
    const [opened, raced] = await runActor({ root, tasks: [...TASKS, 'd'], actions: [['race']] })
    expect(opened?.codes?.filter((code) => code === ELSEWHERE)).toEqual([])
    expect(raced?.won).toEqual(['1 2', '3 1'])
    expect(lifeOf(root, second?.instance ?? '')).toBe('DEAD\n')
    for (const name of ['a', 'b', 'c', 'd']) expect(stateOf(root, name)).toBe('DONE\n')
    for (const rank of [third, first]) {
      rank?.actor.letGo()
      expect(await rank?.actor.ended).toBe(0)
    }
  })

  it('keep their tasks while they live, whatever has become of the one that opened the batch', async () => {
    const root = join(temporaryDirectory(), 'root')
    const script = { root, tasks: TASKS, hold: true }
    const opener = startActor({ ...script, actions: [['claim', 0]] })
    const ticket = (await opener.next())?.ticket
    await opener.next()
    const joined = startActor({ ...script, ticket, actions: [['claim', 1]] })
    await joined.next()
    await joined.next()
    opener.child.kill('SIGKILL')
    await opener.ended
    const [opened, raced] = await runActor({ root, tasks: TASKS, actions: [['race']] })
    expect(opened?.codes).toEqual([0, ELSEWHERE, 0])
    expect(raced?.won).toEqual(['0 2', '2 1'])
    joined.letGo()
    expect(await joined.ended).toBe(0)
  })
})
