import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STATE_CODE, type StateStore, StoreUnusableError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { openAdministrator } from '../src/administrator.ts'
import type { FileLayer } from '../src/file-layer.ts'
import { collectGarbage } from '../src/gc.ts'
import { addToHistory, readAllAttempts } from '../src/history.ts'
import { writeLife } from '../src/instance.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { registerSession } from '../src/register-session.ts'
import { openRootView, type TaskReport } from '../src/root-view.ts'
import type { StoreSession } from '../src/store-session.ts'
import { loadTasks } from '../src/task-loading.ts'
import { readValue } from '../src/task-values.ts'
import { type FileCall, faultyFileLayer } from './faulty-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, pretendRemote, RECORD } from './store-harness.ts'

const { DONE, FAILED, OPEN } = STATE_CODE

function register(root: string, options: { role?: 'gc'; files?: FileLayer } = {}): Promise<StoreSession> {
  const { files = nodeFileLayer, ...rest } = options
  return registerSession({
    ...{ root, files, durability: 'none', crashLimit: 5, command: undefined, onStep: undefined },
    ...rest,
  })
}

const namesIn = (...path: string[]): string[] => readdirSync(join(...path)).sort()
const instancesOf = (root: string): string[] => namesIn(root, '.mpibatch', 'i')
const tasksOf = (root: string): TaskReport[] => [...openRootView(root).tasks()]

/** What an index alone makes of the tasks, and what is true. */
async function loadBothWays(root: string, names: readonly string[]): Promise<[number[], number[]]> {
  const session = await register(root)
  const byIndex = await loadTasks(session, plan(...names), { indexedFrom: 1 })
  const byStates = await loadTasks(session, plan(...names), { indexedFrom: 1, rescan: true })
  await session.close()
  return [[...byIndex.codes], [...byStates.codes]]
}

const NAMES = ['done', 'retried', 'failed', 'open', 'crashed', 'ending', 'reopened', 'orphaned']

/** A root where everything is that gc meets: every instance is gone, two of them without a word. */
async function litteredRoot(): Promise<string> {
  const root = freshRoot()
  const tasks = plan(...NAMES)
  const end = async (store: StateStore, name: string, state: 'DONE' | 'FAILED', from = {}): Promise<void> => {
    await store.publish(await mustClaim(store, NAMES.indexOf(name), from), state, {
      ...RECORD,
      durationMs: 7,
    })
  }
  const early = await openStore(root, tasks, { durability: 'terminal' })
  await end(early, 'done', 'DONE')
  await early.close()
  const first = await openStore(root, tasks, { durability: 'terminal' })
  // What an attempt keeps that fails does not count.
  const failing = await mustClaim(first, NAMES.indexOf('retried'))
  await first.keepValue(failing, '"of the first attempt"')
  await first.publish(failing, 'FAILED', { ...RECORD, durationMs: 7 })
  await end(first, 'failed', 'FAILED')
  await end(first, 'reopened', 'DONE')
  await first.close()
  const second = await openStore(root, tasks, { durability: 'terminal' })
  await second.load()
  const retrying = await mustClaim(second, NAMES.indexOf('retried'), { retryFailed: true })
  await second.keepValue(retrying, '"of the second attempt"')
  await second.publish(retrying, 'DONE', { ...RECORD, durationMs: 7 })
  await second.release(await mustClaim(second, NAMES.indexOf('open')))
  await end(second, 'orphaned', 'DONE')
  await second.close()
  for (const name of ['done', 'orphaned'])
    writeFileSync(join(root, name, `state.p9.${second.instance}`), 'DONE\n')
  writeFileSync(join(root, 'open', `state.p3.${second.instance}`), 'RUNNING\n')
  const third = await openStore(root, tasks, {
    durability: 'terminal',
    onStep: ({ kind, step }) => {
      if (kind === 'DONE' && step === 'P2') throw new Error('killed by the test')
    },
  })
  await third.keepValue(await mustClaim(third, NAMES.indexOf('crashed')), '"of a crashed attempt"')
  const ending = await mustClaim(third, NAMES.indexOf('ending'))
  await third.keepValue(ending, '"of one that ended unseen"')
  await expect(third.publish(ending, 'DONE', RECORD)).rejects.toThrow('killed')
  writeFileSync(join(root, '.mpibatch', 'i', third.instance, 'new.0.77'), 'half')
  pretendDead(root, third.instance)
  const administrator = await openAdministrator(root)
  await administrator.reopen('reopened', { from: 'any' })
  await administrator.close()
  return root
}

/** The values that count. */
const VALUES = { retried: '"of the second attempt"', ending: '"of one that ended unseen"' }

function valuesOf(root: string): Record<string, string | undefined> {
  const found = NAMES.map((name) => [name, readValue(nodeFileLayer, join(root, name))] as const)
  return Object.fromEntries(found.filter(([, text]) => text !== undefined))
}

const EXPECTED = [DONE, DONE, FAILED, OPEN, OPEN, OPEN, OPEN, DONE]

describe('gc', () => {
  it('removes what nothing needs, and everything looks as before', async () => {
    const root = await litteredRoot()
    const before = tasksOf(root)
    expect(before.map(({ state }) => state)).toEqual([
      'DONE',
      'DONE',
      'FAILED',
      'OPEN',
      'RUNNING',
      'DONE',
      'OPEN',
      'DONE',
    ])
    const foreseen = await collectGarbage(root, { dryRun: true })
    expect(tasksOf(root)).toEqual(before)
    expect(await collectGarbage(root)).toEqual(foreseen)
    expect(foreseen).toMatchObject({ events: 8, payloads: 3, values: 2 })
    expect(tasksOf(root)).toEqual(before)
    expect(valuesOf(root)).toEqual(VALUES)
    for (const name of ['done', 'orphaned']) expect(namesIn(root, name)).toEqual(['state'])
    expect(namesIn(root, 'retried')).toEqual(['state', 'state.value.3.json'])
    expect(namesIn(root, 'crashed')).toEqual(['state', 'state.ev.1'])
    expect(namesIn(root, 'failed')).toEqual(['state', 'state.ev.1', 'state.ev.2'])
    expect(namesIn(root, 'open')).toEqual(['state', 'state.ev.1', 'state.ev.2'])
    // The payload of a result that has not reached `state` is kept.
    expect(namesIn(root, 'ending')).toHaveLength(5)
    for (const instance of instancesOf(root)) {
      const names = namesIn(root, '.mpibatch', 'i', instance).filter((name) => !/^life\.\d$/.test(name))
      expect(names.filter((name) => !['info.json', 'attempts.0', 'hb'].includes(name))).toEqual([])
    }
    expect(await loadBothWays(root, NAMES)).toEqual([EXPECTED, EXPECTED])
  })

  it('finds nothing more when it is run again, but the gc before', async () => {
    const root = await litteredRoot()
    await collectGarbage(root)
    const again = await collectGarbage(root)
    expect(again).toMatchObject({
      events: 0,
      payloads: 0,
      values: 0,
      journals: 0,
      snapshots: 0,
      instances: 1,
    })
    expect(namesIn(root, '.mpibatch', 'history')).toEqual(['1'])
  })

  it('leaves a root that goes on: dead owners are taken over, a late result is completed', async () => {
    const root = await litteredRoot()
    await collectGarbage(root)
    const store = await openStore(root, plan(...NAMES), { durability: 'terminal' })
    await store.load()
    expect(await store.claim(NAMES.indexOf('ending'), { lastSeen: 0, from: {} })).toMatchObject({
      kind: 'settled',
      state: 'DONE',
    })
    for (const name of ['open', 'crashed', 'reopened'])
      await store.publish(await mustClaim(store, NAMES.indexOf(name)), 'DONE', RECORD)
    // A task whose events are gone begins again with slot 1.
    const again = await store.claim(0, { lastSeen: 0, from: { rerun: true } })
    expect(again).toMatchObject({ kind: 'claimed', slot: 2, claim: { attempt: 1 } })
  })

  it('keeps the index right where slots begin again', async () => {
    const root = await litteredRoot()
    await collectGarbage(root)
    const administrator = await openAdministrator(root)
    await administrator.reopen('done', { from: 'any' })
    await administrator.close()
    const reopened = [OPEN, ...EXPECTED.slice(1)]
    expect(await loadBothWays(root, NAMES)).toEqual([reopened, reopened])
    const store = await openStore(root, plan(...NAMES), { durability: 'terminal' })
    await store.load()
    await store.publish(await mustClaim(store, 0), 'FAILED', { ...RECORD, durationMs: 99 })
    await store.close()
    // What was recorded last counts, although its slot is below that of the record in the history.
    expect(tasksOf(root)[0]).toMatchObject({ state: 'FAILED', durationMs: 99 })
    expect(store.durations()[0]).toBe(99)
    expect(store.durations()[1]).toBe(7)
    await collectGarbage(root)
    expect(tasksOf(root)[0]).toMatchObject({ state: 'FAILED', durationMs: 99 })
  })

  it('names those that are gone in the list of instances as before', async () => {
    const root = await litteredRoot()
    const before = openRootView(root).instances()
    await collectGarbage(root)
    const after = openRootView(root).instances()
    expect(after.filter(({ command }) => command !== 'mpibatch gc')).toEqual(
      before.map((instance) => ({ ...instance, alive: false })),
    )
  })

  it('tells attempts once that are in the history while their instance is still there', async () => {
    const root = await litteredRoot()
    const before = [...readAllAttempts(nodeFileLayer, root)]
    const instance = before[0]?.instance ?? ''
    const staged = join(root, '.mpibatch', 'new')
    expect(await addToHistory(nodeFileLayer, root, { instances: [{ instance }], staged })).toBe(true)
    const after = [...readAllAttempts(nodeFileLayer, root)]
    expect(after).toHaveLength(before.length)
    const told = before.filter((attempt) => attempt.instance === instance)
    expect(after.filter(({ part }) => part === 1)).toEqual(told.map((attempt) => ({ ...attempt, part: 1 })))
  })

  it('has nothing to do in a root that only pshmem has used', async () => {
    const root = freshRoot()
    cpSync(await litteredRoot(), root, { recursive: true, filter: (path) => !path.endsWith('.mpibatch') })
    expect(await collectGarbage(root)).toMatchObject({ events: 0, instances: 0 })
    expect(existsSync(join(root, '.mpibatch'))).toBe(false)
  })

  it('removes no instance where it can not look into every directory', async () => {
    const root = await litteredRoot()
    const count = instancesOf(root).length
    const files = faultyFileLayer(({ name, path }) =>
      name === 'list' && path.endsWith('/failed') ? { code: 'EACCES' } : undefined,
    )
    expect(await collectGarbage(root, { files })).toMatchObject({ events: 8, instances: 0 })
    expect(instancesOf(root)).toHaveLength(count + 1)
  })

  it('removes events one by one where the disk may keep them in another order', async () => {
    const root = await litteredRoot()
    const files = faultyFileLayer(() => undefined)
    await collectGarbage(root, { files: { ...files, fileSystemType: () => 0x9123683e } })
    const calls = files.calls.flatMap(({ name, path }) =>
      path.includes('/retried') && (name === 'unlink' || name === 'sync')
        ? `${name} ${path.split('/').at(-1)}`
        : [],
    )
    const removals = calls.slice(calls.indexOf('unlink state.value.1.json'))
    expect(removals).toEqual([
      ...['unlink state.value.1.json', 'sync retried'],
      ...['unlink state.ev.4', 'sync retried', 'unlink state.ev.3', 'sync retried'],
      ...['unlink state.ev.2', 'sync retried', 'unlink state.ev.1'],
    ])
  })
})

describe('gc and those who may be at work', () => {
  it('refuses while an instance lives, and says which', async () => {
    const root = await litteredRoot()
    const store = await openStore(root, plan(...NAMES))
    for (const dryRun of [true, false]) {
      const refused = collectGarbage(root, { dryRun })
      await expect(refused).rejects.toThrow(StoreUnusableError)
      await expect(refused).rejects.toThrow(`instance ${store.instance} on`)
    }
    expect(namesIn(root, 'done')).toContain('state.ev.1')
    await store.close()
    expect(await collectGarbage(root)).toMatchObject({ events: 8 })
  })

  it.each(['ALIVE', 'DEAD'])('refuses beside an instance of another machine that is %s', async (life) => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b'))
    await mustClaim(store, 0)
    await store.publish(await mustClaim(store, 1), 'DONE', RECORD)
    pretendRemote(root, store.instance)
    const staged = join(root, '.mpibatch', 'new')
    if (life === 'DEAD')
      await writeLife(nodeFileLayer, root, {
        ...{ instance: store.instance, entry: 2, life, staged, sync: false },
      })
    await expect(collectGarbage(root)).rejects.toThrow(/on elsewhere.*--assert-stopped/)
    expect(await collectGarbage(root, { assertStopped: true })).toMatchObject({ events: 2, instances: 1 })
    // By the person's word it is dead, and its task free.
    const successor = await openStore(root, plan('a', 'b'))
    expect(await mustClaim(successor, 0)).toMatchObject({ slot: 2 })
  })

  it('keeps everybody else away while it is at work', async () => {
    const root = await litteredRoot()
    const gc = await register(root, { role: 'gc' })
    const impatient = { ...nodeFileLayer, pause: () => Promise.resolve() }
    const refused = openStore(root, plan(...NAMES), { files: impatient })
    await expect(refused).rejects.toThrow(`"mpibatch gc" is at work on ${root}: instance ${gc.instance}`)
    await expect(collectGarbage(root)).rejects.toThrow(gc.instance)
    pretendRemote(root, gc.instance)
    await expect(openStore(root, plan(...NAMES), { files: impatient })).rejects.toThrow('--assert-stopped')
    await gc.close()
    await openStore(root, plan(...NAMES))
  })

  it('gives way to a run that comes at the same moment, which waits for that', async () => {
    const root = await litteredRoot()
    const gc = await register(root, { role: 'gc' })
    let looks = 0
    const files = {
      ...nodeFileLayer,
      pause: async () => {
        looks += 1
        if (looks === 3) await gc.close()
      },
    }
    await openStore(root, plan(...NAMES), { files })
    expect(looks).toBe(3)
  })

  it('first waits twice as long as others need to see it', async () => {
    const root = await litteredRoot()
    const waits: number[] = []
    const told: number[] = []
    const files = { ...nodeFileLayer, pause: (delayMs: number) => Promise.resolve(void waits.push(delayMs)) }
    const liveness = { visibilityMs: 60_000 }
    await collectGarbage(root, { files, liveness, onWait: (waitMs) => told.push(waitMs) })
    expect([waits, told]).toEqual([[120_000], [120_000]])
  })
})

/** Fast: a kill loses nothing that was written. */
const unsynced: FileLayer = { ...nodeFileLayer, sync: () => Promise.resolve() }

/** Calls that change something on the disk. */
const CHANGES: ReadonlySet<FileCall['name']> = new Set([
  'write',
  'sync',
  'link',
  'symlink',
  'rename',
  'unlink',
  'mkdir',
  'rmdir',
] as const)

describe('gc that is killed', () => {
  it('before any of its calls leaves everything as it was, and can be run again', async () => {
    const template = await litteredRoot()
    const seen = JSON.stringify(tasksOf(template))
    const clean = freshRoot()
    cpSync(template, clean, { recursive: true })
    await collectGarbage(clean, { files: unsynced })
    const shape = JSON.stringify(shapeOf(clean))
    const failures: string[] = []
    let killedAt = 0
    for (let isOver = false; !isOver; killedAt += 1) {
      const root = freshRoot()
      cpSync(template, root, { recursive: true })
      const died = await dieAt(root, killedAt)
      isOver = died === undefined
      const check = async (when: string): Promise<void> => {
        const found = { tasks: tasksOf(root), loaded: await loadBothWays(root, NAMES) }
        if (JSON.stringify(found.tasks) !== seen) failures.push(`${when} at ${killedAt}, ${died}: tasks`)
        if (JSON.stringify(found.loaded) !== JSON.stringify([EXPECTED, EXPECTED]))
          failures.push(`${when} at ${killedAt}, ${died}: ${JSON.stringify(found.loaded)}`)
        if (JSON.stringify(valuesOf(root)) !== JSON.stringify(VALUES))
          failures.push(`${when} at ${killedAt}, ${died}: ${JSON.stringify(valuesOf(root))}`)
      }
      await check('after the kill')
      await collectGarbage(root, { files: unsynced })
      if (JSON.stringify(shapeOf(root)) !== shape) failures.push(`${killedAt}, ${died}: ${shapeOf(root)}`)
      await check('after another gc')
      rmSync(root, { recursive: true })
    }
    expect(failures).toEqual([])
    expect(killedAt).toBeGreaterThan(50)
  }, 60_000)
})

/** Names in all task directories, and whether instances that are not needed are left. */
function shapeOf(root: string): string[] {
  const tasks = NAMES.flatMap((name) => namesIn(root, name).map((file) => `${name}/${file}`))
  // What a gc has left that was killed is nothing to compare; neither is one that had not begun.
  const instances = instancesOf(root).filter((instance) => {
    const directory = join(root, '.mpibatch', 'i', instance)
    return (
      existsSync(join(directory, 'life.1')) &&
      !readFileSync(join(directory, 'info.json'), 'utf8').includes('"gc"')
    )
  })
  return [...tasks, ...instances]
}

/** Runs gc until it is about to make this change; from then on nothing reaches the disk. @returns The change. */
async function dieAt(root: string, change: number): Promise<string | undefined> {
  let count = 0
  let died: string | undefined
  const files = faultyFileLayer(({ name, path }) => {
    if (died === undefined && CHANGES.has(name)) {
      if (count === change) died = `${name} ${path.slice(root.length)}`
      count += 1
    }
    return died === undefined ? undefined : { code: 'EKILLED' }
  })
  await collectGarbage(root, { files }).catch(() => undefined)
  for (const instance of instancesOf(root)) {
    // Where it had written its name already, its process is gone.
    const path = join(root, '.mpibatch', 'i', instance, 'info.json')
    if (existsSync(path) && readFileSync(path, 'utf8').includes('"gc"')) pretendDead(root, instance)
  }
  return died
}
