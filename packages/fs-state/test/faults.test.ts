import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StateIoError, StoreUnusableError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { type FileCall, faultyFileLayer } from './faulty-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD, stateText } from './store-harness.ts'

const isEvent = ({ path }: FileCall): boolean => /\/state\.ev\.\d+$/.test(path)

/** A root in which the task `a` has a directory, with `state` OPEN. */
function rootWithTask(): string {
  const root = freshRoot()
  mkdirSync(join(root, 'a'), { recursive: true })
  writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
  return root
}

/** Number of calls that one claim and one result make. */
async function callsOfOneTask(root: string): Promise<readonly FileCall[]> {
  const files = faultyFileLayer(() => undefined)
  const store = await openStore(root, plan('a'), { files, durability: 'full' })
  const before = files.calls.length
  await store.publish(await mustClaim(store), 'DONE', RECORD)
  return files.calls.slice(before)
}

describe('a full disk, or one that refuses', () => {
  const roots = { 'a new task': freshRoot, 'a task that is there': rootWithTask }
  const codes = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES']
  it.each(codes.flatMap((code) => Object.entries(roots).map(([what, make]) => [code, what, make] as const)))(
    'fails with %s at any call for %s: nothing is reported, and the task is run again',
    async (code, _what, makeRoot) => {
      const calls = await callsOfOneTask(makeRoot())
      expect(calls.length).toBeGreaterThan(15)
      for (let broken = 0; broken < calls.length; broken += 1) {
        if (calls[broken]?.name === 'read') continue
        const root = makeRoot()
        let start = Number.POSITIVE_INFINITY
        const files = faultyFileLayer(({ number }) => (number === start + broken ? { code } : undefined))
        const store = await openStore(root, plan('a'), { files, durability: 'full' })
        start = files.calls.length
        const outcome = await mustClaim(store)
          .then((claim) => store.publish(claim, 'DONE', RECORD))
          .catch((error: unknown) => error)
        const what = `${calls[broken]?.name} ${calls[broken]?.path}`
        if (typeof outcome === 'number') expect(stateText(root), what).toBe('DONE\n')
        else expect(outcome, what).toBeInstanceOf(Error)
        pretendDead(root, store.instance)
        const next = await openStore(root)
        const after = await next.claim(0, { lastSeen: 0, from: {} })
        if (typeof outcome === 'number') expect(after, what).toMatchObject({ kind: 'settled', state: 'DONE' })
        else expect(['claimed', 'settled'], what).toContain(after.kind)
      }
    },
  )

  it('names the file and says what to do', async () => {
    const root = rootWithTask()
    const files = faultyFileLayer((call) =>
      call.name === 'write' && call.path.includes('state.p1.') ? { code: 'ENOSPC' } : undefined,
    )
    const store = await openStore(root, plan('a'), { files })
    const claim = async (): Promise<unknown> => await store.claim(0, { lastSeen: 0, from: {} })
    const error = await claim().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StateIoError)
    expect(error).toMatchObject({ message: expect.stringMatching(/state\.p1\..*The disk is full/) })
    expect(readdirSync(join(root, 'a'))).toEqual(['state'])
  })

  it.each(['EROFS', 'EACCES', 'ENOSPC'])('is refused as a root when it says %s', async (code) => {
    const files = faultyFileLayer((call) => (call.name === 'mkdir' ? { code } : undefined))
    await expect(openStore(freshRoot(), plan('a'), { files })).rejects.toThrow(StoreUnusableError)
  })
})

describe('calls whose outcome is unclear', () => {
  it.each(['EIO', 'ETIMEDOUT', 'ESTALE', 'EINTR'])(
    'are repeated after %s, whether they took effect or not',
    async (code) => {
      for (const after of [false, true]) {
        const root = rootWithTask()
        const failed = new Set<string>()
        const files = faultyFileLayer((call) => {
          const key = `${call.name} ${call.path}`
          if (
            !['link', 'rename', 'unlink'].includes(call.name) ||
            !call.path.includes('/a/') ||
            failed.has(key)
          )
            return undefined
          failed.add(key)
          return { code, after }
        })
        const store = await openStore(root, plan('a'), { files })
        const claim = await mustClaim(store)
        // A rename of a claim that may have been a successor's doing costs a slot, never the task.
        expect(await store.publish(claim, 'DONE', RECORD)).toBe(claim.slot + 1)
        expect(stateText(root)).toBe('DONE\n')
        expect(failed.size).toBe(3)
        expect(await (await openStore(root)).claim(0, { lastSeen: 0, from: {} })).toMatchObject({
          kind: 'settled',
        })
      }
    },
  )

  it('are answered by a replayed server with EEXIST or ENOENT, and still taken for won', async () => {
    const root = rootWithTask()
    const files = faultyFileLayer((call) => {
      if (call.name === 'link' && isEvent(call)) return { code: 'EEXIST', after: true }
      return call.name === 'unlink' && call.path.includes('/a/') ? { code: 'ENOENT', after: true } : undefined
    })
    const store = await openStore(root, plan('a'), { files })
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    expect(stateText(root)).toBe('DONE\n')
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['state', 'state.ev.1', 'state.ev.2'])
  })

  it('end in an error when they stay unclear, and this instance leaves the task alone from then on', async () => {
    const root = rootWithTask()
    let broken = true
    const files = faultyFileLayer((call) =>
      broken && call.name === 'link' && isEvent(call) ? { code: 'EIO' } : undefined,
    )
    const store = await openStore(root, plan('a'), { files })
    await expect(store.claim(0, { lastSeen: 0, from: {} })).rejects.toMatchObject({
      details: { slot: 1, tried: true },
    })
    broken = false
    // A second try of the same slot could win it again behind a successor's back.
    expect(await store.claim(0, { lastSeen: 0, from: {} })).toMatchObject({
      kind: 'elsewhere',
      owner: store.instance,
    })
    expect(existsSync(join(root, 'a', 'state.ev.1'))).toBe(false)
    expect(await (await openStore(root)).claim(0, { lastSeen: 0, from: {} })).toMatchObject({
      kind: 'claimed',
      slot: 1,
    })
  })
})

describe('a sync that fails', () => {
  it('is never repeated on the same file, and an unsynced result is not reported', async () => {
    const root = freshRoot()
    const synced = new Map<string, number>()
    const files = faultyFileLayer((call) => {
      if (call.name !== 'sync' || !call.path.startsWith(join(root, 'a'))) return undefined
      const inode = `${call.path} ${statSync(call.path).ino} ${files.calls.filter(({ name }) => name === 'open').length}`
      synced.set(inode, (synced.get(inode) ?? 0) + 1)
      return { code: 'EIO' }
    })
    const store = await openStore(root, plan('a'), { files, durability: 'terminal' })
    const claim = await mustClaim(store)
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow(StateIoError)
    expect([...synced.values()].every((count) => count === 1)).toBe(true)
    expect(synced.size).toBeGreaterThan(1)
    expect(stateText(root)).toBe('RUNNING\n')
  })

  it('of the directory leaves the result unreported', async () => {
    const root = freshRoot()
    const files = faultyFileLayer((call) =>
      call.name === 'sync' && call.path === join(root, 'a') ? { code: 'EIO' } : undefined,
    )
    const store = await openStore(root, plan('a'), { files, durability: 'terminal' })
    const claim = await mustClaim(store)
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow(StateIoError)
    expect(files.calls.filter(({ name, path }) => name === 'sync' && path === join(root, 'a'))).toHaveLength(
      1,
    )
  })

  it('of the root leaves the result of a new task unreported', async () => {
    const root = freshRoot()
    let broken = false
    const files = faultyFileLayer((call) =>
      broken && call.name === 'sync' && call.path === root ? { code: 'EIO' } : undefined,
    )
    const store = await openStore(root, plan('a'), { files, durability: 'terminal' })
    const claim = await mustClaim(store)
    broken = true
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow(StateIoError)
  })

  it('is not needed where directories can not be synced', async () => {
    const files = faultyFileLayer((call) =>
      call.name === 'sync' && nodeFileLayer.peek(call.path) === 'directory' ? { code: 'EINVAL' } : undefined,
    )
    const store = await openStore(freshRoot(), plan('a'), { files, durability: 'full' })
    expect(await store.publish(await mustClaim(store), 'DONE', RECORD)).toBe(2)
  })
})

describe('what is synced', () => {
  async function syncsOf(
    durability: 'none' | 'terminal' | 'full',
    step: 'claim' | 'publish',
  ): Promise<string[]> {
    const root = freshRoot()
    const files = faultyFileLayer(() => undefined)
    const store = await openStore(root, plan('a'), { files, durability })
    // The first event of a kind also makes and syncs its token.
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    const start = files.calls.length
    const outcome = await store.claim(0, { lastSeen: 2, from: { rerun: true } })
    if (outcome.kind !== 'claimed') throw new Error('not claimed')
    const middle = files.calls.length
    await store.publish(outcome.claim, 'DONE', RECORD)
    const calls = step === 'claim' ? files.calls.slice(start, middle) : files.calls.slice(middle)
    const own = calls.filter(({ name, path }) => name === 'sync' && !path.includes('.mpibatch'))
    return own.map(({ path }) => path.slice(root.length).replace(store.instance, 'I'))
  }

  it('is nothing with durability none', async () => {
    expect([await syncsOf('none', 'claim'), await syncsOf('none', 'publish')]).toEqual([[], []])
  })

  it('is the result and its directory with durability terminal, and the opening of an ended task', async () => {
    expect(await syncsOf('terminal', 'publish')).toEqual(['/a/state.p5.I', '/a'])
    expect(await syncsOf('terminal', 'claim')).toEqual(['/a/state.p3.I', '/a'])
  })

  it('is every change with durability full', async () => {
    expect(await syncsOf('full', 'publish')).toEqual(['/a/state.p5.I', '/a'])
    expect(await syncsOf('full', 'claim')).toEqual(['/a/state.p3.I', '/a', '/a/state.p4.I', '/a'])
  })

  it('is also each claim where the file system may lose an earlier name and keep a later one', async () => {
    const root = freshRoot()
    const base = faultyFileLayer(() => undefined)
    const files: FileLayer = { ...base, fileSystemType: () => 0x9123683e }
    const store = await openStore(root, plan('a'), { files, durability: 'terminal' })
    const start = base.calls.length
    await mustClaim(store)
    const syncs = base.calls
      .slice(start)
      .filter(({ name, path }) => name === 'sync' && !path.includes('.mpibatch'))
    expect(syncs.map(({ path }) => path)).toEqual([join(root, 'a')])
  })
})

describe('media of events', () => {
  const TASKS = plan('a', 'b', 'c')

  async function runAll(root: string, files: FileLayer): Promise<void> {
    const store = await openStore(root, TASKS, { files, durability: 'terminal' })
    for (const index of TASKS.keys()) await store.publish(await mustClaim(store, index), 'DONE', RECORD)
    await store.close()
    const next = await openStore(root, TASKS)
    for (const index of TASKS.keys()) {
      const outcome = await next.claim(index, { lastSeen: 0, from: { rerun: true } })
      expect(outcome).toMatchObject({ kind: 'claimed', claim: { slot: 4, attempt: 2 } })
    }
  }
  const event = (root: string): ReturnType<typeof lstatSync> => lstatSync(join(root, 'a', 'state.ev.1'))

  it('are links of one file where there are links', async () => {
    const root = freshRoot()
    await runAll(root, nodeFileLayer)
    expect(event(root)?.nlink).toBe(4)
  })

  it.each(['EXDEV', 'EPERM', 'ENOTSUP'])('are symbolic links after %s', async (code) => {
    const root = freshRoot()
    await runAll(
      root,
      faultyFileLayer((call) => (call.name === 'link' && isEvent(call) ? { code } : undefined)),
    )
    expect(event(root)?.isSymbolicLink()).toBe(true)
  })

  it('are plain files where there are no links at all', async () => {
    const root = freshRoot()
    await runAll(
      root,
      faultyFileLayer((call) =>
        call.name.includes('link') && call.name !== 'unlink' ? { code: 'EPERM' } : undefined,
      ),
    )
    expect(event(root)?.isFile()).toBe(true)
    expect(event(root)?.nlink).toBe(1)
  })

  it('go to a new token when the old one has links enough', async () => {
    const root = freshRoot()
    let links = 0
    const files = faultyFileLayer((call) => {
      if (call.name !== 'link' || !isEvent(call)) return undefined
      links += 1
      return links === 3 ? { code: 'EMLINK' } : undefined
    })
    await runAll(root, files)
    expect(event(root)?.isFile()).toBe(true)
  })
})
