import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFsStateProvider, nodeFileLayer, type RootWatcher, watchRoot } from '../src/index.ts'
import { WATCHED_TASKS_MAX, type WatchRootOptions } from '../src/root-watcher.ts'
import { freshRoot, mustClaim, noHeartbeat, openStore, plan, RECORD } from './store-harness.ts'

const LONG_MS = 10_000
/** Between two looks of a watcher that is told; well longer than it takes to be told. */
const LOOK_MS = 2000
/** Longer than what is told late of a change before. */
const QUIET_MS = 300

function watch(root: string, options: WatchRootOptions = {}): RootWatcher {
  const watcher = watchRoot(root, {
    intervalMs: options.polling === true ? 40 : LOOK_MS,
    paceMs: 60,
    ...options,
  })
  onTestFinished(() => watcher.close())
  return watcher
}

/** Waits until nothing more is told. */
async function settle(watcher: RootWatcher): Promise<void> {
  while (await watcher.changed(QUIET_MS));
}

/** A root in which an instance has registered and ended: it has all directories. */
async function usedRoot(): Promise<string> {
  const root = freshRoot()
  await (
    await createFsStateProvider({ root, durability: 'none', startHeartbeat: noHeartbeat }).open(
      plan('a', 'b'),
    )
  ).close()
  return root
}

describe.each([
  { how: 'by what the system tells', polling: false },
  { how: 'by looking', polling: true },
])('a watched root, $how', ({ polling }) => {
  it('tells that another instance came, ended a task, and went', async () => {
    const root = await usedRoot()
    const watcher = watch(root, { polling })
    expect(watcher.told).toBe(!polling)
    await settle(watcher)
    const store = await openStore(root, plan('a', 'b'))
    expect(await watcher.changed(LONG_MS)).toBe(true)
    await settle(watcher)
    for (const index of [0, 1]) {
      await store.publish(await mustClaim(store, index), 'DONE', RECORD)
      expect(await watcher.changed(LOOK_MS / 2)).toBe(true)
      await settle(watcher)
    }
    await store.close()
    expect(await watcher.changed(LONG_MS)).toBe(true)
  })

  it('tells nothing of one’s own instance', async () => {
    const root = await usedRoot()
    const store = await openStore(root, plan('a', 'b'))
    const watcher = watch(root, { polling, instance: store.instance })
    await settle(watcher)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    expect(await watcher.changed(QUIET_MS)).toBe(false)
  })

  it('tells that another program changed a task that is watched, and nothing of its other files', async () => {
    const root = await usedRoot()
    const watcher = watch(root, { polling })
    for (const name of ['a', 'b']) mkdirSync(join(root, name))
    writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
    watcher.watchTasks([join(root, 'a')])
    await settle(watcher)
    for (const name of ['a', 'b']) writeFileSync(join(root, name, 'output'), 'x')
    writeFileSync(join(root, 'b', 'state'), 'OPEN\n')
    expect(await watcher.changed(QUIET_MS)).toBe(false)
    for (const word of ['RUNNING', 'DONE']) {
      writeFileSync(join(root, 'a', 'state.temp'), `${word}\n`)
      renameSync(join(root, 'a', 'state.temp'), join(root, 'a', 'state'))
      expect(await watcher.changed(LONG_MS)).toBe(true)
      await settle(watcher)
    }
  })

  it('outlives its root', async () => {
    const root = await usedRoot()
    await openStore(root, plan('a', 'b'))
    const watcher = watch(root, { polling })
    await settle(watcher)
    rmSync(root, { recursive: true })
    expect(await watcher.changed(LONG_MS)).toBe(true)
    await settle(watcher)
  })

  it('gathers many changes, and tells them not too often', async () => {
    const root = await usedRoot()
    const names = Array.from({ length: 300 }, (_, index) => `t${index}`)
    let told = 0
    const watcher = watch(root, { polling, onChange: () => (told += 1) })
    await settle(watcher)
    told = 0
    const start = performance.now()
    const store = await openStore(root, plan(...names))
    for (const index of names.keys()) await store.publish(await mustClaim(store, index), 'DONE', RECORD)
    await settle(watcher)
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThanOrEqual(2 + (performance.now() - start) / 60)
  })
})

describe('watching a root', () => {
  it('ends a wait when it is closed, and when its signal says so', async () => {
    const watcher = watch(await usedRoot())
    await settle(watcher)
    const aborted = new AbortController()
    const waits = [watcher.changed(LONG_MS, aborted.signal), watcher.changed(LONG_MS)]
    aborted.abort()
    expect(await waits[0]).toBe(false)
    await watcher.close()
    expect(await waits[1]).toBe(false)
    expect(await watcher.changed(LONG_MS)).toBe(false)
  })

  it('looks by itself where other machines may have the root too, and where there is none', async () => {
    const root = await usedRoot()
    const files = { ...nodeFileLayer, fileSystemType: () => 0x6969 }
    expect(watch(root, { files }).told).toBe(false)
    expect(watch(freshRoot()).told).toBe(false)
  })

  it('looks at a bounded number of tasks', async () => {
    const names = Array.from({ length: WATCHED_TASKS_MAX + 50 }, (_, index) => `t${index}`)
    const root = await usedRoot()
    for (const name of names) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'state'), 'OPEN\n')
    }
    const opened = new Set<string>()
    const open: typeof nodeFileLayer.open = (path, flags, mode) => {
      if (path.endsWith('/state')) opened.add(path)
      return nodeFileLayer.open(path, flags, mode)
    }
    const watcher = watch(root, { files: { ...nodeFileLayer, open }, polling: true })
    watcher.watchTasks(names.map((name) => join(root, name)))
    expect(opened.size).toBe(WATCHED_TASKS_MAX)
  })

  it('goes on to tell when the watched tasks have changed many times', async () => {
    const names = Array.from({ length: 1200 }, (_, index) => `t${index}`)
    const root = await usedRoot()
    for (const name of names) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'state'), 'OPEN\n')
    }
    const watcher = watch(root)
    for (let first = 0; first < names.length; first += 200) {
      watcher.watchTasks(names.slice(first, first + 200).map((name) => join(root, name)))
      await settle(watcher)
    }
    expect(watcher.told).toBe(true)
    writeFileSync(join(root, 't1150', 'state'), 'RUNNING\n')
    expect(await watcher.changed(LONG_MS)).toBe(true)
    await settle(watcher)
    writeFileSync(join(root, 't10', 'state'), 'RUNNING\n')
    expect(await watcher.changed(QUIET_MS)).toBe(false)
  })
})
