import { describe, expect, it } from 'vitest'
import { fileSystemClass } from '../src/file-system-class.ts'
import { createFsStateProvider, type FileLayer, nodeFileLayer, openRootView } from '../src/index.ts'
import { freshRoot, noHeartbeat, plan, pretendReboot } from './store-harness.ts'

const EXT4 = 0xef53
const NFS = 0x6969

/** A root on whose task `a` an instance was at work when its machine went down. */
async function rootBeforeReboot(): Promise<string> {
  const root = freshRoot()
  const store = await createFsStateProvider({ root, startHeartbeat: noHeartbeat }).open(plan('a'))
  await store.claim(0, { lastSeen: 0, from: {} })
  pretendReboot(root, store.instance)
  return root
}

const on = (type: number): FileLayer => ({ ...nodeFileLayer, fileSystemType: () => type })

describe('an instance of the boot before', () => {
  it('is dead if the root is on a local disk: its task is taken over at once', async () => {
    const root = await rootBeforeReboot()
    expect(openRootView(root, on(EXT4)).task('a')?.owner?.alive).toBe(false)
    const store = await createFsStateProvider({ root, startHeartbeat: noHeartbeat, files: on(EXT4) }).open(
      plan('a'),
    )
    expect(await store.claim(0, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'claimed', slot: 2 })
  })

  it('may be another machine if the root is shared: its task is left alone', async () => {
    const root = await rootBeforeReboot()
    expect(openRootView(root, on(NFS)).task('a')?.owner?.alive).toBe(true)
    const store = await createFsStateProvider({ root, startHeartbeat: noHeartbeat, files: on(NFS) }).open(
      plan('a'),
    )
    expect(await store.claim(0, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'elsewhere' })
  })

  it('is trusted to be local only where no second machine can mount', () => {
    const local = [EXT4, 0x58465342, 0x9123683e, 0x01021994].map((type) => fileSystemClass(type).local)
    const shared = [NFS, 0x0bd00bd0, 0x65735546, 0x794c7630, 0x00c36400, 1].map(
      (type) => fileSystemClass(type).local,
    )
    expect(local).toEqual([true, true, true, true])
    expect(shared).toEqual([false, false, false, false, false, false])
  })
})
