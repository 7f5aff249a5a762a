/**
 * Where buffers lie: in a directory of this user alone, below one that the caller names, each holder has a directory
 * with a file per buffer. There are two such places, in memory and on a disk.
 */
import { linkSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, SharedMemoryError } from '@mpibatch/batch-core'
import { removeDirectory } from '../file-access.ts'
import { fileSystemClass } from '../file-system-class.ts'
import { codeOf } from '../io-error.ts'
import { nodeFileLayer } from '../node-file-layer.ts'
import type { ProcessIdentity } from '../process-identity.ts'
import { isAbandoned, isHolderName } from './holder-name.ts'

/** File systems in memory, by the number that statfs(2) gives: tmpfs, ramfs. */
const MEMORY_TYPES = new Set([0x01021994, 0x858458f6])
/** Others may remove the user's directory again just before a holder makes its own in it. */
const MAKE_TRIES_MAX = 100
const OTHERS_WRITE = 0o002
const OTHERS_ALL = 0o077
const STICKY = 0o1000

/** See the top of this file. */
export interface BufferPlace {
  /** The directory that the caller has named, without symbolic links. */
  readonly base: string
  /** That of the user. */
  readonly root: string
  /** That of this holder. */
  readonly own: string
}

/**
 * Finds the place of a holder below a directory; makes nothing.
 *
 * @throws {@link ConfigError} if there is no such directory, or others can replace what is made in it.
 */
export function findPlace(directory: string, holder: string): BufferPlace {
  let base: string
  try {
    base = realpathSync(directory)
  } catch (error) {
    throw new ConfigError(
      `There is no directory ${directory} for shared buffers (${codeOf(error)}). Give another one, or make it.`,
      { cause: error, details: { directory } },
    )
  }
  const { mode } = statSync(base)
  if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
    throw new ConfigError(
      `Everybody may replace what is in ${base}, so shared buffers are not safe there. Set its sticky bit (chmod +t), or give another directory.`,
      { details: { directory: base } },
    )
  }
  const root = join(base, `mpibatch-buffers-${process.geteuid?.() ?? 0}`)
  return { base, root, own: join(root, holder) }
}

/** Tells whether a place is in memory. */
export function isInMemory({ base }: BufferPlace): boolean {
  return MEMORY_TYPES.has(nodeFileLayer.fileSystemType(base) >>> 0)
}

/** Tells whether two places are on one file system. */
export function isSameFileSystem(one: BufferPlace, other: BufferPlace): boolean {
  return statSync(one.base).dev === statSync(other.base).dev
}

/** Name of the kind of file system that a place is on, for people. */
export function fileSystemName({ base }: BufferPlace): string {
  return classOf(base).name
}

function classOf(base: string): ReturnType<typeof fileSystemClass> {
  return fileSystemClass(nodeFileLayer.fileSystemType(base), nodeFileLayer.mountOf(base))
}

/**
 * Makes the directory of this holder, and that of the user where it is missing.
 *
 * @throws {@link SharedMemoryError} if it can't be made, or what has the name of the user's directory is not the
 *   user's alone.
 */
export function makePlace({ base, root, own }: BufferPlace): void {
  for (let tried = 1; ; tried += 1) {
    try {
      makePrivate(root)
      mkdirSync(own, { mode: 0o700 })
      return
    } catch (error) {
      if (error instanceof SharedMemoryError) throw error
      if (codeOf(error) === 'ENOENT' && tried < MAKE_TRIES_MAX) continue
      throw new SharedMemoryError(
        `${base} can't hold shared buffers: ${(error as Error).message}. Give another directory, such as /dev/shm.`,
        { cause: error, details: { directory: base } },
      )
    }
  }
}

function makePrivate(root: string): void {
  try {
    mkdirSync(root, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const fault = privacyFault(root)
  if (fault === undefined) return
  throw new SharedMemoryError(
    `${root} ${fault}, so shared buffers are not safe there. Remove it, or give another directory.`,
    { details: { path: root } },
  )
}

/** Why the directory of the user is not the user's alone; `undefined` if it is, or is not there. */
function privacyFault(root: string): string | undefined {
  const found = lstatSync(root, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isDirectory()) return 'is no directory'
  if (found.uid !== process.geteuid?.()) return 'belongs to somebody else'
  return (found.mode & OTHERS_ALL) === 0 ? undefined : 'is open to others'
}

/**
 * Removes the directory of this holder with all that is in it, and that of the user if nobody else uses it.
 *
 * @returns Whether that was possible. NFS and FUSE give a file that is removed while it is mapped another name, until it
 *   is not any more.
 */
export function removePlace({ root, own }: BufferPlace): boolean {
  try {
    rmSync(own, { recursive: true, force: true })
  } catch {
    return false
  }
  removeDirectory(nodeFileLayer, root)
  return true
}

/** Removes the directories of holders whose processes have ended and who had nobody to do it. */
export function sweep(place: BufferPlace, self: ProcessIdentity): void {
  if (privacyFault(place.root) !== undefined) return
  const isLocal = classOf(place.base).local
  for (const name of holdersIn(place)) {
    if (isAbandoned(self, name, isLocal)) rmSync(join(place.root, name), { recursive: true, force: true })
  }
}

/**
 * Makes another name for a buffer that any holder has at a place.
 *
 * @param first - The holder that is asked first.
 * @returns Whether one has it.
 */
export function linkFromHolders(place: BufferPlace, id: string, path: string, first?: string): boolean {
  const linkFrom = (holder: string): boolean => {
    try {
      linkSync(join(place.root, holder, id), path)
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }
  if (first !== undefined && linkFrom(first)) return true
  // Mostly the first has it, so the others are looked for only now.
  return holdersIn(place).some((holder) => holder !== first && linkFrom(holder))
}

function holdersIn({ root }: BufferPlace): readonly string[] {
  try {
    return readdirSync(root).filter(isHolderName)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
