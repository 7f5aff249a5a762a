import { constants, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreUnusableError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { openAdministrator } from '../src/administrator.ts'
import type { FileLayer } from '../src/file-layer.ts'
import type { Mount } from '../src/mount-table.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { fileSystemIdentity, readSavedVerdict, type SavedVerdict, saveVerdict } from '../src/saved-verdict.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, pretendRemote } from './store-harness.ts'

const NFS = 0x6969

/** A file layer that claims to be mounted otherwise. */
function pretendMount(...options: string[]): FileLayer {
  const mount: Mount = { type: 'nfs4', source: 'server:/export', point: '/data', options }
  return { ...nodeFileLayer, fileSystemType: () => NFS, mountOf: () => mount }
}

function refuse(code: string): () => never {
  return () => {
    throw Object.assign(new Error(`${code}: made by the test`), { code })
  }
}

async function rootWithVerdict(change: Partial<SavedVerdict>): Promise<string> {
  const root = freshRoot()
  await (await openStore(root)).close()
  await saveVerdict(nodeFileLayer, root, {
    fileSystem: fileSystemIdentity(nodeFileLayer, root),
    ...{
      date: '2026-01-02T03:04:05.000Z',
      use: 'several-instances',
      medium: 'link',
      visibilityMs: null,
      reason: '',
    },
    ...change,
  })
  return root
}

function deadAfterMs(root: string, instance: string): number {
  const info = readFileSync(join(root, '.mpibatch', 'i', instance, 'info.json'), 'utf8')
  return (JSON.parse(info) as { liveness: { deadAfterMs: number } }).liveness.deadAfterMs
}

describe('a mount with nocto', () => {
  const files = pretendMount('rw', 'nocto')

  it('is used by one instance at a time: a second one is refused, and says why', async () => {
    const root = freshRoot()
    const first = await openStore(root, plan('a'), { files })
    await expect(openStore(root, plan('a'), { files })).rejects.toThrow(
      /allows one instance at a time.*nocto/s,
    )
    await expect(openAdministrator(root, { files })).rejects.toThrow(StoreUnusableError)
    await mustClaim(first)
    await first.close()
    await openStore(root, plan('a'), { files })
  })

  it('takes no instance that died for one that works', async () => {
    const root = freshRoot()
    pretendDead(root, (await openStore(root, plan('a'), { files })).instance)
    await openStore(root, plan('a'), { files })
  })

  it('waits until it is known whether an instance on another machine lives', async () => {
    const root = freshRoot()
    const liveness = { heartbeatMs: 20, leaseMs: 100, visibilityMs: 0, deadAfterMs: 150 }
    const first = await openStore(root, plan('a'), { files, liveness })
    await first.close()
    // As it would look after a power cut.
    const directory = join(root, '.mpibatch', 'i', first.instance)
    writeFileSync(join(directory, 'life.2'), 'ALIVE\n')
    pretendRemote(root, first.instance)
    await openStore(root, plan('a'), { files, liveness })
    expect(readFileSync(join(directory, 'life.3'), 'utf8')).toBe('DEAD\n')
  })
})

describe('a mount with soft', () => {
  it('is warned of, once and in one sentence for the user', async () => {
    const store = await openStore(freshRoot(), plan('a'), { files: pretendMount('soft') })
    const { faults } = await store.load()
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toMatch(/mounted with "soft".*hard/)
  })

  it('is no matter on a local disk', async () => {
    const mount: Mount = { type: 'ext4', source: '/dev/x', point: '/', options: ['soft', 'nocto'] }
    const store = await openStore(freshRoot(), plan('a'), {
      files: { ...nodeFileLayer, mountOf: () => mount },
    })
    expect((await store.load()).faults).toEqual([])
  })
})

describe('a file system that lacks what a store needs', () => {
  it.each(['ENOSYS', 'ENOTSUP'])(
    'as renaming (%s), is refused with advice, and nothing stays alive there',
    async (code) => {
      const root = freshRoot()
      const files = { ...nodeFileLayer, rename: refuse(code) }
      await expect(openStore(root, plan('a'), { files })).rejects.toThrow(
        /can't rename files.*only the outputs/,
      )
      const [instance = ''] = readdirSync(join(root, '.mpibatch', 'i'))
      expect(readFileSync(join(root, '.mpibatch', 'i', instance, 'life.2'), 'utf8')).toBe('EXITED\n')
    },
  )

  it('as exclusive names, is refused with advice', async () => {
    const files: FileLayer = {
      ...nodeFileLayer,
      open: (path, flags, mode) =>
        nodeFileLayer.open(path, path.endsWith('/probe') ? flags & ~constants.O_EXCL : flags, mode),
    }
    await expect(openStore(freshRoot(), plan('a'), { files })).rejects.toThrow(
      /makes a file twice.*only the outputs/,
    )
  })

  it('leaves no trace of the test where it lacks nothing', async () => {
    const root = freshRoot()
    const { instance } = await openStore(root)
    expect(
      readdirSync(join(root, '.mpibatch', 'i', instance)).filter((name) => name.startsWith('prob')),
    ).toEqual([])
  })
})

describe('the verdict of the doctor', () => {
  it('that a root is unsafe keeps everybody out, and names the reason', async () => {
    const root = await rootWithVerdict({ use: 'none', reason: 'Of 9 names, 3 were made twice.' })
    await expect(openStore(root)).rejects.toThrow(/not safe.*2026-01-02.*Of 9 names.*mpibatch doctor/s)
    await expect(openAdministrator(root)).rejects.toThrow(StoreUnusableError)
  })

  it('that one instance may work keeps a second one out', async () => {
    const root = await rootWithVerdict({ use: 'single-instance', reason: 'Clocks run at different speeds.' })
    await openStore(root)
    await expect(openStore(root)).rejects.toThrow(/one instance at a time.*Clocks run/s)
  })

  it('chooses how events are made', async () => {
    const root = await rootWithVerdict({ medium: 'symlink' })
    await mustClaim(await openStore(root))
    expect(readlinkSync(join(root, 'a', 'state.ev.1'))).toMatch(/^1 CLAIM /)
  })

  it('makes instances wait longer for each other where changes are seen late', async () => {
    const usual = freshRoot()
    const root = await rootWithVerdict({ visibilityMs: 100_000 })
    const waits = deadAfterMs(root, (await openStore(root)).instance)
    expect(waits).toBeGreaterThan(150_000)
    expect(waits).toBeGreaterThan(deadAfterMs(usual, (await openStore(usual)).instance))
  })

  it('does not hold on another file system', async () => {
    const root = await rootWithVerdict({
      use: 'none',
      fileSystem: { ...fileSystemIdentity(nodeFileLayer, '/'), source: 'another disk' },
    })
    await openStore(root)
  })

  it.each([
    ['nothing', ''],
    ['no verdict', '{"format":"something else"}'],
    ['a future version', '{"format":"mpibatch verdict","version":2,"use":"none"}'],
    ['a forged one', '{"format":"mpibatch verdict","version":1,"use":"none","fileSystem":null}'],
  ])('is passed over if its file holds %s', async (_what, text) => {
    const root = await rootWithVerdict({})
    writeFileSync(join(root, '.mpibatch', 'doctor.json'), text)
    expect(readSavedVerdict(nodeFileLayer, root)).toBeUndefined()
    await openStore(root)
  })

  it('is read as it was written', async () => {
    const root = await rootWithVerdict({ visibilityMs: 12, medium: 'file', reason: 'A "reason".\n' })
    expect(readSavedVerdict(nodeFileLayer, root)).toMatchObject({
      visibilityMs: 12,
      medium: 'file',
      reason: 'A "reason".\n',
    })
    expect(existsSync(join(root, '.mpibatch', `doctor.json.${process.pid}`))).toBe(false)
  })
})
