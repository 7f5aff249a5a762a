/** A client of a network file system whose caches are behind: it sees old states, and names as missing that exist. */
import { constants } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD, stateText } from './store-harness.ts'

const missing = (path: string): Error =>
  Object.assign(new Error(`ENOENT: stale, ${path}`), { code: 'ENOENT' })

/** Shows no event and no payload to a reader, and OPEN as every state. Creating, linking and renaming are true. */
function staleFileLayer(): FileLayer {
  const states = new Set<number>()
  const isHidden = (path: string): boolean => /\/state\.(ev|p)/.test(path)
  return {
    ...nodeFileLayer,
    peek: (path) => (isHidden(path) ? undefined : nodeFileLayer.peek(path)),
    open: (path, flags, mode) => {
      const reads = (flags & (constants.O_WRONLY | constants.O_RDWR)) === 0
      if (reads && isHidden(path)) throw missing(path)
      const descriptor = nodeFileLayer.open(path, flags, mode)
      if (reads && path.endsWith('/state')) states.add(descriptor)
      else states.delete(descriptor)
      return descriptor
    },
    read: (descriptor, buffer, position) =>
      states.has(descriptor)
        ? Buffer.from('OPEN\n').copy(buffer)
        : nodeFileLayer.read(descriptor, buffer, position),
  }
}

describe('an instance that sees everything late', () => {
  it('does not get a task that runs', async () => {
    const root = freshRoot()
    const claim = await mustClaim(await openStore(root))
    const late = await openStore(root, plan('a'), { files: staleFileLayer() })
    expect((await late.load()).codes).toEqual(new Uint8Array([0]))
    expect(await late.claim(0, { lastSeen: 0, from: {} })).toMatchObject({
      kind: 'elsewhere',
      slot: claim.slot,
    })
    expect(stateText(root)).toBe('RUNNING\n')
  })

  it('does not run a task again that is DONE, nor one that failed twice', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b'))
    await store.publish(await mustClaim(store, 0), 'DONE', RECORD)
    await store.publish(await mustClaim(store, 1), 'FAILED', RECORD)
    await store.publish(await mustClaim(store, 1, { retryFailed: true }), 'FAILED', RECORD)
    const late = await openStore(root, plan('a', 'b'), { files: staleFileLayer() })
    for (const index of [0, 1]) {
      expect(await late.claim(index, { lastSeen: 0, from: {} })).toMatchObject({
        kind: 'elsewhere',
        owner: 'unknown',
      })
    }
    expect([stateText(root, 'a'), stateText(root, 'b')]).toEqual(['DONE\n', 'FAILED\n'])
  })

  it('does not run over its successor when it was declared dead', async () => {
    const root = freshRoot()
    const late = await openStore(root, plan('a'), {
      files: { ...staleFileLayer(), read: nodeFileLayer.read },
    })
    const claim = await mustClaim(late)
    pretendDead(root, late.instance)
    const successor = await openStore(root)
    await mustClaim(successor)
    await expect(late.publish(claim, 'FAILED', RECORD)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_FENCED' })
    expect(stateText(root)).toBe('RUNNING\n')
  })
})

describe('an instance that still sees RUNNING where its dead predecessor has shown DONE', () => {
  it('waits until it sees the truth, and adds no second result', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    await store.close()
    let staleReads = 4
    const states = new Set<number>()
    const files: FileLayer = {
      ...nodeFileLayer,
      open: (path, flags, mode) => {
        const descriptor = nodeFileLayer.open(path, flags, mode)
        if (path.endsWith('/a/state')) states.add(descriptor)
        else states.delete(descriptor)
        return descriptor
      },
      read: (descriptor, buffer, position) => {
        if (!states.has(descriptor) || staleReads === 0)
          return nodeFileLayer.read(descriptor, buffer, position)
        staleReads -= 1
        return Buffer.from('RUNNING\n').copy(buffer)
      },
    }
    const liveness = { heartbeatMs: 100, leaseMs: 1000, visibilityMs: 1000 }
    const late = await openStore(root, plan('a'), { files, liveness })
    expect(await late.claim(0, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'settled', state: 'DONE' })
    expect(staleReads).toBe(0)
    expect(nodeFileLayer.peek(`${root}/a/state.ev.3`)).toBeUndefined()
  })
})
