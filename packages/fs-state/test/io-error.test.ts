import { constants, existsSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { StateIoError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { codeOf, isUnclear, toStateIoError } from '../src/io-error.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { readTask } from '../src/task-chain.ts'
import { createTaskDirectory } from '../src/task-directories.ts'
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

describe('GlusterFS', () => {
  it('says ESTALE when a file is closed that was replaced while it was read, and nothing comes of it', async () => {
    const root = freshRoot()
    await mustClaim(await openStore(root))
    let closed = 0
    const files: FileLayer = {
      ...nodeFileLayer,
      close: (descriptor) => {
        nodeFileLayer.close(descriptor)
        closed += 1
        throw staleHandle('close')
      },
    }
    expect(readTask(files, `${root}/a`, 0).view.kind).toBe('claimed')
    expect(closed).toBeGreaterThan(1)
  })

  it('remembers a task directory as missing that another client made meanwhile, until it hears that in so many words', async () => {
    const root = freshRoot()
    mkdirSync(`${root}/a`, { recursive: true })
    writeFileSync(`${root}/a/state`, 'OPEN\n')
    let isRemembered = true
    const mkdir = (path: string): void => {
      if (path === `${root}/a`) isRemembered = false
      nodeFileLayer.mkdir(path)
    }
    const options = { staged: `${root}/staged`, sync: false }
    expect(await createTaskDirectory({ ...nodeFileLayer, mkdir }, `${root}/a`, options)).toBe(false)
    expect(isRemembered).toBe(false)
  })

  it('says ESTALE when a task directory is moved to where another client has just made one', async () => {
    const root = freshRoot()
    const staged = `${root}/staged`
    mkdirSync(`${root}/a`, { recursive: true })
    const rename = (from: string): void => {
      throw staleHandle(from)
    }
    const files: FileLayer = { ...nodeFileLayer, rename }
    expect(await createTaskDirectory(files, `${root}/a`, { staged, sync: false })).toBe(false)
    expect(existsSync(staged)).toBe(false)
  })

  it('says ENOSPC of a token that has 100 links, and the events go to a new one', async () => {
    const root = freshRoot()
    const names = Array.from({ length: 7 }, (_, index) => `t${index}`)
    const files: FileLayer = {
      ...nodeFileLayer,
      link: (existing, path) => {
        // Each token is a link itself.
        if (/\/tok\./.test(existing) && statSync(existing).nlink > 3) throw full()
        nodeFileLayer.link(existing, path)
      },
    }
    const store = await openStore(root, plan(...names), { files })
    for (const [index, name] of names.entries()) {
      await store.publish(await mustClaim(store, index), 'DONE', RECORD)
      expect(stateText(root, name)).toBe('DONE\n')
      expect(lstatSync(`${root}/${name}/state.ev.1`).nlink).toBeGreaterThan(1)
    }
    const tokens = readdirSync(`${root}/.mpibatch/i/${store.instance}`).filter((name) =>
      name.startsWith('tok.'),
    )
    expect(tokens).toHaveLength(6)
  })

  it('says ENOSPC of a disk that is full, and so do we', async () => {
    const root = freshRoot()
    const link = (existing: string, path: string): void => {
      if (/\/tok\./.test(existing)) throw full()
      nodeFileLayer.link(existing, path)
    }
    const store = await openStore(root, plan('a'), { files: { ...nodeFileLayer, link } })
    await expect(mustClaim(store)).rejects.toThrow(/The disk is full/)
  })

  function full(): Error {
    return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
})
