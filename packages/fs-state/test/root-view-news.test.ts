/** A view of a root that is asked again and again, and reads only what is new. */
import { rmSync } from 'node:fs'
import type { StateStore } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { openAdministrator } from '../src/administrator.ts'
import { collectGarbage } from '../src/gc.ts'
import { openRootView, type RootView } from '../src/root-view.ts'
import { freshRoot, mustClaim, openStore, plan, RECORD } from './store-harness.ts'

const NAMES = ['a', 'b', 'c']

async function end(store: StateStore, index: number, state: 'DONE' | 'FAILED', from = {}): Promise<void> {
  await store.publish(await mustClaim(store, index, from), state, { ...RECORD, durationMs: 7 + index })
}

/** The tasks as this view sees them, which has to be what a new one sees. */
function expectNothingMissed(view: RootView, root: string): void {
  expect([...view.tasks()]).toEqual([...openRootView(root).tasks()])
}

describe('a view of a root that is kept', () => {
  it('tells once of each task of which an end was recorded', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan(...NAMES))
    await end(store, 2, 'DONE')
    const view = openRootView(root)
    expect([...view.recorded()]).toEqual([2])
    expect([...view.recorded()]).toEqual([])
    await end(store, 0, 'FAILED')
    await end(store, 1, 'DONE')
    expect([...view.recorded()].sort()).toEqual([0, 1])
    expect([...view.tasks([1, 5, 0])]).toMatchObject([
      { name: 'b', state: 'DONE', durationMs: 8 },
      { name: 'a', state: 'FAILED', durationMs: 7 },
    ])
  })

  it('misses nothing of several instances, of retries, and of an end that was not accepted', async () => {
    const root = freshRoot()
    const [one, other] = [await openStore(root, plan(...NAMES)), await openStore(root, plan(...NAMES))]
    const view = openRootView(root)
    const claim = await mustClaim(one)
    expectNothingMissed(view, root)
    await mustClaim(other, 0, { stealRunning: true })
    await expect(one.publish(claim, 'DONE', RECORD)).rejects.toThrow()
    expectNothingMissed(view, root)
    expect(view.task('a')?.reason).toBeUndefined()
    await end(other, 1, 'FAILED')
    expectNothingMissed(view, root)
    await end(one, 1, 'DONE', { retryFailed: true })
    await one.close()
    expectNothingMissed(view, root)
    await other.close()
    expectNothingMissed(view, root)
  })

  it('goes on from the history when gc has moved what instances had recorded, and slots begin again', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan(...NAMES))
    await end(store, 0, 'FAILED')
    await end(store, 0, 'DONE', { retryFailed: true })
    const view = openRootView(root)
    expectNothingMissed(view, root)
    // This one is in the history when the view looks again.
    await end(store, 1, 'DONE')
    await store.close()
    await collectGarbage(root)
    expectNothingMissed(view, root)
    expect(view.task('b')).toMatchObject({ state: 'DONE', durationMs: 8 })
    const administrator = await openAdministrator(root, { durability: 'none' })
    await administrator.reopen('a', { from: 'any' })
    await administrator.close()
    const next = await openStore(root, plan(...NAMES))
    view.recorded()
    await end(next, 0, 'FAILED')
    expect([...view.recorded()]).toEqual([0])
    expect(view.task('a')).toMatchObject({ state: 'FAILED', reason: 'done' })
    expectNothingMissed(view, root)
  })

  it('finds tasks that have come since', async () => {
    const root = freshRoot()
    await openStore(root, plan('a'))
    const view = openRootView(root)
    expect(view.refresh()).toBe(false)
    const store = await openStore(root, plan('a', 'b'))
    expect(view.refresh()).toBe(true)
    expect(view.refresh()).toBe(false)
    await end(store, 1, 'DONE')
    expect([...view.recorded()]).toEqual([1])
    expectNothingMissed(view, root)
  })

  it('says so when the root has gone away', async () => {
    const root = freshRoot()
    await openStore(root, plan('a'))
    const view = openRootView(root)
    rmSync(root, { recursive: true })
    expect(() => view.refresh()).toThrow(/There is no task root/)
  })
})
