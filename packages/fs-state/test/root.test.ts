import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreUnusableError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { openAdministrator } from '../src/administrator.ts'
import { fileSystemClass } from '../src/file-system-class.ts'
import { KnownTasks } from '../src/known-tasks.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { openRootView } from '../src/root-view.ts'
import {
  freshRoot,
  mustClaim,
  openStore,
  plan,
  pretendDead,
  pretendRemote,
  RECORD,
  stateText,
} from './store-harness.ts'

describe('a root', () => {
  it('that is not there is made, with its parents', async () => {
    const root = join(freshRoot(), 'deep', 'er')
    await openStore(root)
    expect(statSync(join(root, '.mpibatch', 'i')).isDirectory()).toBe(true)
  })

  it('that is a link to a directory is used', async () => {
    const place = temporaryDirectory()
    const root = freshRoot()
    symlinkSync(place, root)
    await mustClaim(await openStore(root))
    expect(stateText(place)).toBe('RUNNING\n')
  })

  it.each([
    ['a file', (root: string) => writeFileSync(root, ''), /is not a directory/],
    ['a dangling link', (root: string) => symlinkSync('nowhere', root), /is a symbolic link to nothing/],
    ['a link to a file', (root: string) => symlinkSync('/etc/hostname', root), /not a directory/],
    ['below a file', (root: string) => writeFileSync(join(root, '..', 'file'), ''), undefined],
  ] as const)('that is %s is refused with a sentence', async (_what, make, message) => {
    const root = freshRoot()
    make(root)
    const place = message === undefined ? join(root, '..', 'file', 'root') : root
    await expect(openStore(place)).rejects.toThrow(StoreUnusableError)
    await expect(openStore(place)).rejects.toThrow(message ?? /can't be used/)
    expect(() => openRootView(place)).toThrow(StoreUnusableError)
  })

  it('in which something else is called .mpibatch is refused', async () => {
    const root = freshRoot()
    mkdirSync(root)
    symlinkSync('/tmp', join(root, '.mpibatch'))
    await expect(openStore(root)).rejects.toThrow(/is in the way/)
  })

  it.skipIf(process.getuid?.() === 0)('that may not be written to is refused', async () => {
    const root = temporaryDirectory()
    chmodSync(root, 0o555)
    await expect(openStore(root)).rejects.toThrow(StoreUnusableError)
  })

  it('that is not there can not be looked at, but holds no tasks', async () => {
    const root = freshRoot()
    expect(() => openRootView(root)).toThrow(/There is no task root/)
    expect([...new KnownTasks(root)]).toEqual([])
    await expect(openAdministrator(root)).rejects.toThrow(/There is no task root/)
    expect(existsSync(root)).toBe(false)
  })
})

describe('the class of a file system', () => {
  it.each([
    [0xef53, 'ext4', false],
    [0x9123683e, 'btrfs', true],
    [0x9123683e | 0, 'btrfs', true],
    [12345, 'unknown', true],
  ])('%d is %s; claims are synced: %s', (type, name, claimSync) => {
    expect(fileSystemClass(type)).toMatchObject({ name, claimSync })
  })
})

describe('a look at a root', () => {
  it('shows states, attempts, owners and records, and writes nothing', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('done', 'failed', 'running', 'open'), { command: 'the command' })
    await store.publish(await mustClaim(store, 0), 'DONE', { ...RECORD, exitCode: 0, durationMs: 12.5 })
    await store.publish(await mustClaim(store, 1), 'FAILED', {
      ...RECORD,
      reason: 'signal',
      signal: 'SIGSEGV',
      message: 'boom',
    })
    store.recordStart(await mustClaim(store, 2), { processGroup: 999_999 })
    const view = openRootView(root)
    const [done, failed, running, open] = [...view.tasks()]
    expect(done).toMatchObject({
      index: 0,
      name: 'done',
      state: 'DONE',
      attempts: 1,
      slot: 2,
      exitCode: 0,
      durationMs: 12.5,
    })
    expect(failed).toMatchObject({
      state: 'FAILED',
      attempts: 1,
      reason: 'signal',
      signal: 'SIGSEGV',
      message: 'boom',
    })
    expect(running).toMatchObject({
      ...{ state: 'RUNNING', attempts: 1, startedAtMs: expect.any(Number) },
      owner: { instance: store.instance, pid: process.pid, alive: true },
    })
    expect(open).toEqual({
      index: 3,
      name: 'open',
      state: 'OPEN',
      slot: 0,
      attempts: 0,
      summary: expect.any(String),
    })
    expect(view.counts()).toEqual({ OPEN: 1, RUNNING: 1, DONE: 1, FAILED: 1, INVALID: 0 })
    expect(view.instances()).toMatchObject([
      { instance: store.instance, alive: true, command: 'the command' },
    ])
    expect(view.task('running')).toEqual(running)
    expect(view.task('nobody')).toBeUndefined()
    pretendDead(root, store.instance)
    expect(openRootView(root).task('running')?.owner?.alive).toBe(false)
    expect(existsSync(join(root, '.mpibatch', 'i', store.instance, 'life.2'))).toBe(false)
  })

  it('works where only pshmem has been', () => {
    const root = freshRoot()
    for (const [name, text] of [
      ['b', 'DONE\n'],
      ['a', 'RUNNING\n'],
      ['c', 'nonsense'],
    ] as const) {
      mkdirSync(join(root, name), { recursive: true })
      writeFileSync(join(root, name, 'state'), text)
    }
    mkdirSync(join(root, 'no task'))
    const states = [...openRootView(root).tasks()].map(({ name, state }) => `${name} ${state}`)
    expect(states).toEqual(['a RUNNING', 'b DONE', 'c INVALID'])
    expect([...new KnownTasks(root)]).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    expect(existsSync(join(root, '.mpibatch'))).toBe(false)
  })

  it('does not show the end of an attempt that was discarded', async () => {
    const root = freshRoot()
    const [one, other] = [await openStore(root), await openStore(root)]
    const claim = await mustClaim(one)
    await mustClaim(other, 0, { stealRunning: true })
    await expect(one.publish(claim, 'DONE', RECORD)).rejects.toThrow()
    const report = openRootView(root).task('a')
    expect(report).toMatchObject({ state: 'RUNNING', attempts: 2, owner: { instance: other.instance } })
    expect(report?.reason).toBeUndefined()
  })

  it('knows how long tasks took', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b'))
    await store.publish(await mustClaim(store, 1), 'DONE', { ...RECORD, durationMs: 77 })
    expect([...store.durations()]).toEqual([Number.NaN, 77])
  })
})

describe('an administrator', () => {
  async function rootWith(): Promise<{ root: string; alive: string }> {
    const root = freshRoot()
    const dead = await openStore(root, plan('done', 'failed', 'dead', 'alive', 'open'))
    await dead.publish(await mustClaim(dead, 0), 'DONE', RECORD)
    await dead.publish(await mustClaim(dead, 1), 'FAILED', RECORD)
    await mustClaim(dead, 2)
    const alive = await openStore(root, plan('done', 'failed', 'dead', 'alive', 'open'))
    await mustClaim(alive, 3)
    pretendDead(root, dead.instance)
    return { root, alive: alive.instance }
  }

  it.each([
    ['failed', false, ['failed']],
    ['dead', false, ['dead']],
    ['running', false, ['dead', 'alive']],
    ['any', false, ['done', 'failed', 'dead']],
    ['any', true, ['done', 'failed', 'dead', 'alive']],
  ] as const)('asked for %s (force: %s) opens %j', async (from, force, expected) => {
    const { root } = await rootWith()
    const administrator = await openAdministrator(root, { durability: 'none' })
    const changed: string[] = []
    for (const name of ['done', 'failed', 'dead', 'alive', 'open', 'nobody', '../x']) {
      const result = await administrator.reopen(name, { from, force })
      if (result.changed) {
        changed.push(name)
        expect(stateText(root, name)).toBe('OPEN\n')
      } else expect(result.reason).toMatch(/\w/)
    }
    await administrator.close()
    expect(changed).toEqual(expected)
  })

  it('does not take from an owner on another machine, unless forced', async () => {
    const { root, alive } = await rootWith()
    pretendRemote(root, alive)
    const administrator = await openAdministrator(root)
    expect(await administrator.reopen('alive', { from: 'dead' })).toMatchObject({
      changed: false,
      before: 'RUNNING',
    })
    expect(await administrator.reopen('alive', { from: 'running' })).toMatchObject({
      changed: true,
      before: 'RUNNING',
    })
    await administrator.close()
  })

  it('completes a result that a dead owner left, instead of losing it', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a'), {
      onStep: ({ kind, step }) => {
        if (kind === 'DONE' && step === 'P2') throw new Error('died here')
      },
    })
    const claim = await mustClaim(store)
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow('died here')
    pretendDead(root, store.instance)
    expect(openRootView(root).task('a')?.state).toBe('DONE')
    const administrator = await openAdministrator(root)
    expect(await administrator.reopen('a', { from: 'dead' })).toMatchObject({
      changed: true,
      reason: 'it is DONE',
    })
    await administrator.close()
    expect(stateText(root)).toBe('DONE\n')
  })

  it('honours OPEN that somebody wrote over a result', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
    const administrator = await openAdministrator(root)
    expect(await administrator.reopen('a', { from: 'any' })).toEqual({ changed: true, before: 'OPEN' })
    await administrator.close()
    expect(await mustClaim(store)).toMatchObject({ slot: 4, attempt: 2 })
  })
})

describe('the tree that a store makes', () => {
  it('shows one whole word per task at every call that changes a name', async () => {
    const root = freshRoot()
    const seen = new Set<string>()
    const look = (): void => {
      for (const { name, kind } of existsSync(root) ? nodeFileLayer.list(root) : []) {
        if (kind === 'directory' && name !== '.mpibatch') seen.add(stateText(root, name))
      }
    }
    const watched =
      <A extends unknown[], T>(call: (...given: A) => T) =>
      (...given: A): T => {
        look()
        const result = call(...given)
        look()
        return result
      }
    const { link, rename, unlink, mkdir, open, write } = nodeFileLayer
    const files = {
      ...nodeFileLayer,
      ...{ link: watched(link), rename: watched(rename), unlink: watched(unlink), mkdir: watched(mkdir) },
      ...{ open: watched(open), write: watched(write) },
    }
    const store = await openStore(root, plan('a', 'b'), { files })
    await store.publish(await mustClaim(store, 0), 'FAILED', RECORD)
    await store.release(await mustClaim(store, 1))
    await store.publish(await mustClaim(store, 0, { retryFailed: true }), 'DONE', RECORD)
    expect([...seen].sort()).toEqual(['DONE\n', 'FAILED\n', 'OPEN\n', 'RUNNING\n'])
  })
})
