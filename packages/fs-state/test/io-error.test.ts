import { constants } from 'node:fs'
import { StateIoError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { codeOf, isUnclear, toStateIoError } from '../src/io-error.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, RECORD, stateText } from './store-harness.ts'

/** Bits of open flags that say whether a file is opened for reading or writing; see open(2). */
const ACCESS_MODE = 3

/** An error as Node 20 throws it for ESTALE, which libuv has no name for. */
function staleHandle(path: string): Error {
  const code = 'Unknown system error -116'
  return Object.assign(new Error(`${code}: ${code}, open '${path}'`), {
    code,
    errno: -116,
    syscall: 'open',
    path,
  })
}

describe('an error that Node knows by number only', () => {
  it('has the name that the system gives it', () => {
    expect(codeOf(staleHandle('/f'))).toBe('ESTALE')
    expect(codeOf(Object.assign(new Error(), { code: 'Unknown system error -122' }))).toBe('EDQUOT')
    expect(codeOf(Object.assign(new Error(), { code: 'Unknown system error -9999' }))).toBe(
      'Unknown system error -9999',
    )
  })

  it('differs from what is no error of the system, which has no code', () => {
    expect([undefined, null, 'text', new Error('ours')].map(codeOf)).toEqual(['', '', '', ''])
  })

  it('counts as one that leaves open what became of the call', () => {
    expect(isUnclear(staleHandle('/f'))).toBe(true)
  })

  it('is told to people by name, once', () => {
    const error = toStateIoError(staleHandle('/root/a/state'), { path: '/root/a/state', action: 'read' })
    expect(error).toBeInstanceOf(StateIoError)
    expect(error.message).toBe(
      "Could not read /root/a/state: ESTALE, open '/root/a/state'. The file server does not know the file any more; run again, and mount the file system anew if it stays so.",
    )
  })
})

describe('a file server that forgets files which are replaced', () => {
  /** Every second opening of a state or an event for reading says ESTALE. */
  function forgetful(): FileLayer & { forgotten: number } {
    let opened = 0
    const files = {
      ...nodeFileLayer,
      forgotten: 0,
      open: (path: string, flags: number, mode?: number): number => {
        const reads = (flags & ACCESS_MODE) === constants.O_RDONLY
        if (reads && /\/state(\.ev\.\d+)?$/.test(path) && ++opened % 2 === 1) {
          files.forgotten += 1
          throw staleHandle(path)
        }
        return nodeFileLayer.open(path, flags, mode)
      },
    }
    return files
  }

  it('does not keep a task from being found, run and ended', async () => {
    const root = freshRoot()
    await mustClaim(await openStore(root, plan('a', 'b')), 1)
    const files = forgetful()
    const store = await openStore(root, plan('a', 'b'), { files })
    await store.load()
    expect(await store.claim(1, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'elsewhere' })
    const claim = await mustClaim(store, 0)
    await store.publish(claim, 'DONE', RECORD)
    expect(stateText(root)).toBe('DONE\n')
    expect(files.forgotten).toBeGreaterThan(2)
  })
})

describe('a file server whose answers get lost', () => {
  it.each([
    ['mkdir', 'EEXIST'],
    ['rename', 'ENOENT'],
    ['link', 'EEXIST'],
  ] as const)('%s is done, and said to be %s: the task runs all the same', async (call, code) => {
    const root = freshRoot()
    let lost = 0
    const done = <T extends unknown[]>(real: (...given: T) => void, path: (...given: T) => string) => {
      return (...given: T): void => {
        real(...given)
        if (!path(...given).includes(`${root}/a`)) return
        lost += 1
        if (lost % 2 === 0) return
        throw Object.assign(new Error(`${code}: done before`), { code })
      }
    }
    const of = (path: string): string => (path.includes('/new.') ? `${root}/a` : path)
    const files: FileLayer = {
      ...nodeFileLayer,
      ...(call === 'mkdir' ? { mkdir: done(nodeFileLayer.mkdir, of) } : {}),
      ...(call === 'rename' ? { rename: done(nodeFileLayer.rename, (_, to) => to) } : {}),
      ...(call === 'link' ? { link: done(nodeFileLayer.link, (_, path) => path) } : {}),
    }
    const store = await openStore(root, plan('a'), { files })
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    expect(stateText(root)).toBe('DONE\n')
    expect(lost).toBeGreaterThan(0)
  })
})
