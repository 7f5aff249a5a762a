/** Holds what docs/state-files.md says that a task costs: every call, in its order, so that none is added unnoticed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, RECORD } from './store-harness.ts'

/** A file layer that notes the name of every call. */
function countingFileLayer(): { readonly files: FileLayer; take(): string } {
  let calls: string[] = []
  const files = Object.fromEntries(
    Object.entries(nodeFileLayer).map(([name, call]) => [
      name,
      (...given: unknown[]) => {
        calls.push(name)
        return (call as (...given: unknown[]) => unknown)(...given)
      },
    ]),
  ) as unknown as FileLayer
  const take = (): string => {
    const taken = calls.join(' ')
    calls = []
    return taken
  }
  return { files, take }
}

/** What the claim and the end of a task cost once tokens and logs are there. */
async function costsOf(
  durability: 'none' | 'terminal' | 'full',
  root: string = freshRoot(),
): Promise<readonly string[]> {
  const { files, take } = countingFileLayer()
  const store = await openStore(root, plan('a', 'b'), { files, durability })
  await store.load()
  await store.publish(await mustClaim(store, 0), 'DONE', RECORD)
  take()
  const claim = await mustClaim(store, 1)
  const claimed = take()
  await store.publish(claim, 'DONE', RECORD)
  return [claimed, take()]
}

const CHECK = 'open read close'
const RECORD_LINE = 'write'
const DIRECTORY_SYNC = 'open sync close'

it('a new task costs 15 calls where nothing is synced', async () => {
  expect(await costsOf('none')).toEqual([
    'mkdir link open write close rename',
    `${CHECK} ${RECORD_LINE} open write close link rename`,
  ])
})

it('its end costs 7 calls more where results are synced: payload, directory, and root', async () => {
  const [claim, end] = await costsOf('terminal')
  expect(claim).toBe('mkdir link open write close rename')
  // The root is synced at the same time as the payload, so either may end first.
  const wanted = `${CHECK} ${RECORD_LINE} open write sync close link rename ${DIRECTORY_SYNC} ${DIRECTORY_SYNC}`
  expect(end?.split(' ').sort()).toEqual(wanted.split(' ').sort())
})

it('one sync of the root serves all tasks that were claimed before it', async () => {
  const { files, take } = countingFileLayer()
  const store = await openStore(freshRoot(), plan('a', 'b', 'c'), { files, durability: 'terminal' })
  await store.load()
  const claims = [await mustClaim(store, 0), await mustClaim(store, 1), await mustClaim(store, 2)]
  const syncs: number[] = []
  for (const claim of claims) {
    take()
    await store.publish(claim, 'DONE', RECORD)
    syncs.push(
      take()
        .split(' ')
        .filter((name) => name === 'sync').length,
    )
  }
  // Of the first: the token of DONE, payload, root and directory.
  expect(syncs).toEqual([4, 2, 2])
})

it('each change costs 4 calls more where all are synced, and the first one the sync of the root', async () => {
  expect(await costsOf('full')).toEqual([
    `mkdir link open write sync close rename ${DIRECTORY_SYNC} ${DIRECTORY_SYNC}`,
    `${CHECK} ${RECORD_LINE} open write sync close link rename ${DIRECTORY_SYNC}`,
  ])
})

it('a task that has a directory costs 4 calls more: it is read before it is claimed', async () => {
  const root = freshRoot()
  for (const name of ['a', 'b']) {
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'state'), 'OPEN\n')
  }
  expect(await costsOf('none', root)).toEqual([
    // Its kind, its state, and the name of its first event.
    `peek ${CHECK} peek open write close link rename`,
    `${CHECK} ${RECORD_LINE} open write close link rename`,
  ])
})
