/** What kind of file system holds a task root, and what that means to the store (pure). */
import type { Mount } from './mount-table.ts'

/**
 * Who shares a file system, and how soon they see each other's changes: processes of one machine, at once (`local`);
 * machines, at once (`coherent`); machines that keep caches for a while (`cached`).
 */
export type Sharing = 'local' | 'coherent' | 'cached'

/** A kind of file system. */
export interface FileSystemClass {
  /** Its usual name; `unknown` if its number is not in the table. */
  readonly name: string
  /**
   * Whether the directory is synced after each claim: where a power cut may keep a later name of a directory and lose
   * an earlier one, the chain of events could get a gap.
   */
  readonly claimSync: boolean
  /** Whether one machine alone can have mounted it, so that all who use it share that machine's boot. */
  readonly local: boolean
  readonly sharing: Sharing
}

interface Entry {
  readonly name: string
  readonly sharing: Sharing
  readonly claimSync?: boolean
  readonly local?: boolean
}

/** By the number that statfs(2) gives. */
const KNOWN: ReadonlyMap<number, Entry> = new Map([
  [0xef53, { name: 'ext4', sharing: 'local', local: true }],
  [0x58465342, { name: 'xfs', sharing: 'local', local: true }],
  [0x2fc12fc1, { name: 'zfs', sharing: 'local', local: true }],
  [0x01021994, { name: 'tmpfs', sharing: 'local', local: true }],
  [0x9123683e, { name: 'btrfs', sharing: 'local', local: true, claimSync: true }],
  [0xf2f52010, { name: 'f2fs', sharing: 'local', local: true, claimSync: true }],
  // Seen by one machine, but its upper directory may lie anywhere.
  [0x794c7630, { name: 'overlayfs', sharing: 'local' }],
  [0x6969, { name: 'nfs', sharing: 'cached' }],
  [0x0bd00bd0, { name: 'lustre', sharing: 'coherent' }],
  [0x47504653, { name: 'gpfs', sharing: 'coherent' }],
  [0x00c36400, { name: 'ceph', sharing: 'coherent', claimSync: true }],
  [0x19830326, { name: 'beegfs', sharing: 'coherent', claimSync: true }],
])

const FUSE = 0x65735546

/**
 * Finds the class of a file system.
 *
 * @param type - As statfs(2) gives it.
 * @param mount - How it is mounted, which names the driver behind FUSE.
 */
export function fileSystemClass(type: number, mount?: Mount): FileSystemClass {
  // The number has 32 bits, but comes as signed from some systems.
  const key = type >>> 0
  const name = key === FUSE ? (mount?.type ?? 'fuse') : 'unknown'
  const {
    claimSync = false,
    local = false,
    ...known
  } = KNOWN.get(key) ?? {
    name,
    sharing: 'cached',
    claimSync: true,
  }
  return { ...known, claimSync, local }
}
