import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type StateStore, StoreUnusableError } from '@mpibatch/batch-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { createFsStateProvider } from '../src/fs-state-provider.ts'
import type { Mount } from '../src/mount-table.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { openRootView } from '../src/root-view.ts'
import { freshRoot, mustClaim, noHeartbeat, openStore, plan, pretendRemote, RECORD } from './store-harness.ts'

const NFS = 0x6969
const nocto: Mount = { type: 'nfs4', source: 'server:/export', point: '/data', options: ['rw', 'nocto'] }
/** A mount on which only one instance may work at a time. */
const singleInstance = { ...nodeFileLayer, fileSystemType: () => NFS, mountOf: () => nocto }

/** The file layer of an NFS client that has looked for names before they were made: it knows them when it opens their directory. */
function withMissingNames(names: readonly string[]): FileLayer {
  const missing = new Set(names)
  const isHidden = (path: string): boolean =>
    [...missing].some((name) => path === name || path.startsWith(`${name}/`))
  const hide = (path: string): void => {
    if (isHidden(path))
      throw Object.assign(new Error(`ENOENT: remembered as missing, ${path}`), { code: 'ENOENT' })
  }
  return {
    ...nodeFileLayer,
    peek: (path) => (isHidden(path) ? undefined : nodeFileLayer.peek(path)),
    list: (path) => {
      hide(path)
      return nodeFileLayer.list(path)
    },
    open: (path, flags, mode) => {
      hide(path)
      for (const name of missing) if (dirname(name) === path) missing.delete(name)
      return nodeFileLayer.open(path, flags, mode)
    },
  }
}

/** Joins a store as another process of its job would: with what JSON leaves of the ticket. */
async function joinStore(root: string, ticket: unknown, files = nodeFileLayer): Promise<StateStore> {
  const provider = createFsStateProvider({ root, files, startHeartbeat: noHeartbeat })
  const store = await provider.join(JSON.parse(JSON.stringify(ticket)), plan('a', 'b'))
  onTestFinished(() => store.close().catch(() => undefined))
  return store
}

function infoOf(root: string, { instance }: StateStore): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, '.mpibatch', 'i', instance, 'info.json'), 'utf8'))
}

describe('a process that joins the job of another', () => {
  it('is an instance of its own that names the one which opened the batch', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a', 'b'))
    const second = await joinStore(root, first.portableTicket)
    const third = await joinStore(root, second.portableTicket)
    expect(new Set([first, second, third].map(({ instance }) => instance)).size).toBe(3)
    expect(infoOf(root, first)).not.toHaveProperty('batch')
    for (const joined of [second, third]) expect(infoOf(root, joined).batch).toBe(first.instance)
    expect(
      openRootView(root)
        .instances()
        .map(({ batch }) => batch),
    ).toEqual(new Array(3).fill(first.instance))
  })

  it('shares no memory with it, and has a lease of its own', async () => {
    const root = freshRoot()
    const first = await openStore(root)
    expect(first.ticket).toHaveProperty('leaseWords')
    expect(first.portableTicket).not.toHaveProperty('leaseWords')
    const second = await joinStore(root, first.portableTicket)
    expect(second.ticket).toHaveProperty('leaseWords')
    expect(second.lease.state).toBe('valid')
  })

  it('claims and ends tasks as any instance does, against the others of its job too', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a', 'b'))
    const second = await joinStore(root, first.portableTicket)
    await mustClaim(first, 0)
    expect(await second.claim(0, { lastSeen: 0, from: {} })).toMatchObject({
      kind: 'elsewhere',
      owner: first.instance,
    })
    expect(await second.publish(await mustClaim(second, 1), 'DONE', RECORD)).toBe(2)
    expect(await first.readState(1)).toBe('DONE')
  })

  it('ends alone, and keeps what rank 0 chose for all', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a'), { durability: 'full', crashLimit: 2 })
    const second = await joinStore(root, first.portableTicket)
    expect(second.ticket).toMatchObject({ durability: 'full', crashLimit: 2, root })
    await second.close()
    const alive = openRootView(root)
      .instances()
      .filter((instance) => instance.alive)
    expect(alive.map(({ instance }) => instance)).toEqual([first.instance])
  })

  it('finds it at once where this machine remembers the root as missing, whatever waits for caches', async () => {
    const root = freshRoot()
    const files = withMissingNames([root, join(root, '.mpibatch'), join(root, '.mpibatch/i')])
    const first = await openStore(root, plan('a', 'b'))
    expect(files.peek(root)).toBeUndefined()
    const started = performance.now()
    await joinStore(root, first.portableTicket, files)
    expect(performance.now() - started).toBeLessThan(1500)
  })

  it('is refused where it does not find the instance that opened the batch', async () => {
    const other = await openStore(freshRoot())
    const root = freshRoot()
    await openStore(root)
    const ticket = { ...(other.portableTicket as object), root }
    const before = openRootView(root).instances().length
    const missing = join(root, 'missing')
    const message = /is not the one that rank 0 of this job works on.*all nodes of the job share/
    await Promise.all([
      expect(joinStore(root, ticket)).rejects.toThrow(StoreUnusableError),
      expect(joinStore(missing, { ...ticket, root: missing })).rejects.toThrow(message),
    ])
    expect(existsSync(missing)).toBe(false)
    expect(openRootView(root).instances()).toHaveLength(before)
  })
})

describe('a root that allows one instance at a time', () => {
  const options = { files: singleInstance }

  it('takes all processes of a job on one machine for one, and no other beside them', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a', 'b'), options)
    await joinStore(root, first.portableTicket, singleInstance)
    await joinStore(root, first.portableTicket, singleInstance)
    await expect(openStore(root, plan('a'), options)).rejects.toThrow(/allows one instance at a time/)
  })

  it('refuses a process of the same job on another machine', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a'), options)
    pretendRemote(root, first.instance)
    await expect(joinStore(root, first.portableTicket, singleInstance)).rejects.toThrow(
      /allows one instance at a time.* on elsewhere/,
    )
  })
})
