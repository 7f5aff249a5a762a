/** What kind of file system holds a task root, and what that means to the store (pure). */

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
}

/** Numbers of statfs(2); file systems that persist the names of a directory in order. */
const ORDERED: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x2fc12fc1, 'zfs'],
  [0x6969, 'nfs'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
])

/** Those that don't, or of which it is not known. */
const UNORDERED: ReadonlyMap<number, string> = new Map([
  [0x9123683e, 'btrfs'],
  [0xf2f52010, 'f2fs'],
  [0x65735546, 'fuse'],
  [0x00c36400, 'ceph'],
  [0x19830326, 'beegfs'],
])

/** Those of disks and memory. Not overlayfs, whose upper directory may lie anywhere. */
const LOCAL: ReadonlySet<string> = new Set(['ext4', 'xfs', 'zfs', 'tmpfs', 'btrfs', 'f2fs'])

/** Finds the class of a file system by the type that statfs(2) gives. */
export function fileSystemClass(type: number): FileSystemClass {
  // The number has 32 bits, but comes as signed from some systems.
  const key = type >>> 0
  const ordered = ORDERED.get(key)
  const name = ordered ?? UNORDERED.get(key) ?? 'unknown'
  return { name, claimSync: ordered === undefined, local: LOCAL.has(name) }
}
