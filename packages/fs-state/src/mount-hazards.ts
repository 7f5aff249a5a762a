/** What the way in which a directory is mounted means to a store (pure): seen at every start, without a test. */
import type { FileSystemClass } from './file-system-class.ts'
import { hasMountOption, type Mount } from './mount-table.ts'

/** Something about a mount that limits what a store can promise there. */
export interface MountHazard {
  readonly code: 'nocto' | 'object-store' | 'soft'
  /** Set where one instance may work on the root, but not two at once. */
  readonly singleInstance: boolean
  /** What it is, a sentence. */
  readonly message: string
  /** What to do, a sentence. */
  readonly advice: string
}

/** Drivers that show an object store as files: a name is made by an upload, which the last of two wins. */
const OBJECT_STORES = [
  's3fs',
  'goofys',
  'gcsfuse',
  'mount-s3',
  'mountpoint-s3',
  'blobfuse',
  'blobfuse2',
  'rclone',
  'geesefs',
  'cosfs',
  'ossfs',
  'unifyfs',
]

/** Lists the hazards of a mount. */
export function mountHazards(mount: Mount | undefined, { sharing }: FileSystemClass): readonly MountHazard[] {
  if (mount === undefined) return []
  const hazards: MountHazard[] = []
  const isNfs = mount.type.startsWith('nfs')
  if (isNfs && hasMountOption(mount, 'nocto')) {
    hazards.push({
      code: 'nocto',
      singleInstance: true,
      message: `${mount.point} is mounted with "nocto", so that a file which is opened may show what it held long ago.`,
      advice: 'Mount it without "nocto", or let one instance at a time work there.',
    })
  }
  if (sharing === 'cached' && hasMountOption(mount, 'soft')) {
    hazards.push({
      code: 'soft',
      singleInstance: false,
      message: `${mount.point} is mounted with "soft", so that calls fail when the server is slow to answer.`,
      advice: 'Mount it with "hard"; until then, run the same line again after such an error.',
    })
  }
  if (isObjectStore(mount)) {
    hazards.push({
      code: 'object-store',
      singleInstance: true,
      message: `${mount.point} is an object store (${mount.type} of ${mount.source}), where two machines can both make the same name.`,
      advice: 'Put only the outputs of tasks there, and keep the task root on a file system.',
    })
  }
  return hazards
}

/** FUSE gives the driver as a subtype or, where it has none, as what is mounted. */
function isObjectStore({ type, source }: Mount): boolean {
  if (!type.startsWith('fuse') && type !== 'unifyfs') return false
  const driver = type.replace(/^fuse(blk)?\.?/, '')
  return OBJECT_STORES.includes(driver) || OBJECT_STORES.includes(source)
}
