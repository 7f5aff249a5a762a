/**
 * An instance never tries a slot twice. All claims of a rank say the same, so one that saw an old directory and tried
 * an old slot again would find "its" event there, and take it for a first try whose answer was lost.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, RECORD, stateText } from './store-harness.ts'

/**
 * From `forget` on shows no events and, as every state, OPEN: what a cache may show for a while after this instance's
 * own changes. To make a name that exists fails, and then the cache knows it.
 */
function forgetfulFileLayer(): { files: typeof nodeFileLayer; forget: () => void } {
  let forgets = false
  const states = new Set<number>()
  const known = new Set<string>()
  const files: typeof nodeFileLayer = {
    ...nodeFileLayer,
    peek: (path) =>
      forgets && /\/state\.ev\./.test(path) && !known.has(path) ? undefined : nodeFileLayer.peek(path),
    link: (existing, path) => {
      known.add(path)
      nodeFileLayer.link(existing, path)
    },
    open: (path, flags, mode) => {
      const descriptor = nodeFileLayer.open(path, flags, mode)
      if (forgets && path.endsWith('/state')) states.add(descriptor)
      else states.delete(descriptor)
      return descriptor
    },
    read: (descriptor, buffer) =>
      states.has(descriptor) ? Buffer.from('OPEN\n').copy(buffer) : nodeFileLayer.read(descriptor, buffer),
  }
  return {
    files,
    forget: () => {
      forgets = true
      known.clear()
    },
  }
}

describe('a task that this instance has claimed before, seen through an old cache', () => {
  it.each([
    ['DONE', 2],
    ['FAILED', 2],
  ] as const)('is not won again in the old slot after %s', async (state, slot) => {
    const root = freshRoot()
    const { files, forget } = forgetfulFileLayer()
    const store = await openStore(root, plan('a'), { files })
    expect(await store.publish(await mustClaim(store), state, RECORD)).toBe(slot)
    forget()
    const again = await store.claim(0, { lastSeen: slot, from: {} })
    expect(again.kind).not.toBe('claimed')
    expect(stateText(root)).toBe(`${state}\n`)
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['state', 'state.ev.1', 'state.ev.2'])
  })

  it('counts as running elsewhere after it was given back, until its events are seen again', async () => {
    const root = freshRoot()
    const { files, forget } = forgetfulFileLayer()
    const store = await openStore(root, plan('a'), { files })
    expect(await store.release(await mustClaim(store))).toBe(2)
    forget()
    expect(await store.claim(0, { lastSeen: 2, from: {} })).toMatchObject({ kind: 'elsewhere', slot: 2 })
  })

  it('would be won in the old slot by an instance that forgot which slots it had tried', async () => {
    const root = freshRoot()
    const { files, forget } = forgetfulFileLayer()
    const store = await openStore(root, plan('a'), { files })
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    forget()
    // What `lastSeen` is for: this is the harm that the tests above would show.
    expect(await store.claim(0, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'claimed', slot: 1 })
  })
})
