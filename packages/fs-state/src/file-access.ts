/** The few combinations of file-layer calls that the store is made of. */
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { type Awaitable, catching } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import { codeOf } from './io-error.ts'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** Never through a symbolic link, and never waiting for the other end of a pipe. */
const READ_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
const CREATE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
const APPEND_FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW

/** What to do with a descriptor that {@link withFile} opened. */
type UseFile<T> = (descriptor: number) => T

/** Times that a file is opened which its server says to have forgotten. */
const STALE_TRIES_MAX = 5

/**
 * Opens a file for reading, hands it over, and closes it.
 *
 * A file server that is asked for a file which was replaced a moment ago may answer ESTALE. The name is then looked up
 * anew and leads to the new file, so that `use` may be called more than once.
 */
export function withFile<T>(files: FileLayer, path: string, use: UseFile<T>): T {
  for (let tried = 1; ; tried += 1) {
    try {
      return withFileOnce(files, path, use)
    } catch (error) {
      if (tried === STALE_TRIES_MAX || codeOf(error) !== 'ESTALE') throw error
      refreshNames(files, dirname(path))
    }
  }
}

/**
 * Makes a client of a network file system look again which files the names of a directory lead to. It believes what it
 * knows of a name for up to a minute, but opening and listing a directory goes to the server.
 */
export function refreshNames(files: FileLayer, directory: string): void {
  for (const _ of files.list(directory)) {
    // To have listed it is enough.
  }
}

/**
 * Makes a client of a network file system forget which names on the way to a path it remembers as missing: also the
 * directories, when another machine has just made them. Opening one asks the server; nothing that fails here matters.
 */
export function refreshPath(files: FileLayer, path: string): void {
  const parent = dirname(path)
  if (parent === path) return
  refreshPath(files, parent)
  try {
    files.close(files.open(parent, O_RDONLY | O_DIRECTORY))
  } catch {
    // What is wrong with it is said by whoever needs it.
  }
}

function withFileOnce<T>(files: FileLayer, path: string, use: UseFile<T>): T {
  const descriptor = files.open(path, READ_FLAGS)
  try {
    return use(descriptor)
  } finally {
    closeRead(files, descriptor)
  }
}

/** GlusterFS says ESTALE of a file that was replaced while it was read; what was read is none the worse for it. */
function closeRead(files: FileLayer, descriptor: number): void {
  try {
    files.close(descriptor)
  } catch (error) {
    if (codeOf(error) !== 'ESTALE') throw error
  }
}

/** Reads the beginning of a file into the buffer; returns the part that was filled. */
export function readStart(files: FileLayer, descriptor: number, buffer: Uint8Array): Uint8Array {
  // A plain file gives all that it has, up to the size of the buffer.
  return buffer.subarray(0, files.read(descriptor, buffer))
}

/**
 * Reads a small file as text.
 *
 * @returns At most `sizeMax` bytes of it, or `undefined` if there is no such file.
 */
export function readSmallText(files: FileLayer, path: string, sizeMax: number): string | undefined {
  try {
    const buffer = Buffer.allocUnsafe(sizeMax)
    return withFile(files, path, (descriptor) => buffer.toString('utf8', 0, files.read(descriptor, buffer)))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Bytes that are read from a long file at a time. */
const BLOCK_SIZE = 1 << 18

/**
 * Goes through a file in blocks of whole lines, whatever its size. What follows the last newline comes last, with
 * `torn` set. A block is valid until the next one is asked for.
 *
 * @param skip - Bytes at the beginning that are passed over. @defaultValue 0
 */
export function* readLineBlocks(
  files: FileLayer,
  path: string,
  skip = 0,
): Generator<{ bytes: Buffer; torn: boolean }> {
  const descriptor = files.open(path, READ_FLAGS)
  try {
    const buffer = Buffer.allocUnsafe(BLOCK_SIZE)
    // Bytes, not characters, are carried over: a block may end within a character.
    let rest: Buffer = Buffer.alloc(0)
    let position = skip
    for (;;) {
      // What has no positions, a pipe, can be read from its beginning only.
      const count = files.read(descriptor, buffer, skip === 0 ? undefined : position)
      if (count === 0) break
      position += count
      const read = buffer.subarray(0, count)
      const bytes = rest.length === 0 ? read : Buffer.concat([rest, read])
      const end = bytes.lastIndexOf(0x0a) + 1
      rest = Buffer.from(bytes.subarray(end))
      if (end > 0) yield { bytes: bytes.subarray(0, end), torn: false }
    }
    if (rest.length > 0) yield { bytes: rest, torn: true }
  } finally {
    files.close(descriptor)
  }
}

/** Reads a part of a file, up to its end. @throws The system's error. */
export function readBlock(
  files: FileLayer,
  path: string,
  { offset, size }: { readonly offset: number; readonly size: number },
): Buffer {
  const buffer = Buffer.allocUnsafe(size)
  return withFile(files, path, (descriptor) => {
    let count = 0
    while (count < size) {
      const more = files.read(descriptor, buffer.subarray(count), offset + count)
      if (more === 0) break
      count += more
    }
    return buffer.subarray(0, count)
  })
}

/**
 * Goes through the lines of a file, whatever its size, without their newlines. The last line comes with `torn` set if
 * no newline ends it.
 */
export function* readLines(files: FileLayer, path: string): Generator<{ text: string; torn: boolean }> {
  for (const { bytes, torn } of readLineBlocks(files, path)) {
    if (torn) yield { text: bytes.toString('utf8'), torn }
    else
      for (const text of bytes.toString('utf8', 0, bytes.length - 1).split('\n')) yield { text, torn: false }
  }
}

/** Makes a file that must not exist, and opens it for writing. */
export function openNew(files: FileLayer, path: string, mode = 0o666): number {
  return files.open(path, CREATE_FLAGS, mode)
}

/**
 * Makes a file that must not exist, from pieces of text.
 *
 * @param options - With `sync`, what is returned is a promise that resolves when the file is on the disk.
 */
export function createSyncedFile(
  files: FileLayer,
  path: string,
  options: { readonly text: string | Iterable<string>; readonly sync: boolean; readonly mode?: number },
): Awaitable<void> {
  const { text, sync, mode } = options
  const descriptor = openNew(files, path, mode)
  let isOpen = true
  try {
    if (typeof text === 'string') files.write(descriptor, text)
    else for (const piece of text) files.write(descriptor, piece)
    if (!sync) return
    isOpen = false
    return files.sync(descriptor).finally(() => files.close(descriptor))
  } finally {
    if (isOpen) files.close(descriptor)
  }
}

/**
 * Makes a directory that nobody else makes: if the system says that its name is taken, then by our own first try, whose
 * answer was lost.
 *
 * @returns Whether it was made by this call, for all that is known.
 */
export function makeDirectory(files: FileLayer, path: string): boolean {
  try {
    files.mkdir(path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  }
}

/** Tries of {@link createOwnFile}. */
const TRIES_MAX = 5

/**
 * Makes a file like {@link createSyncedFile}, under a name that nobody else uses. What stands there already was left by
 * a rank that ended in the middle, or made by a request that the server was sent twice: it is removed.
 */
export function createOwnFile(
  files: FileLayer,
  path: string,
  options: { readonly text: string | Iterable<string>; readonly sync: boolean; readonly mode?: number },
): Awaitable<void> {
  return makeOwn(files, path, () => createSyncedFile(files, path, options))
}

/** Makes something under a name that nobody else uses; what stands there already is removed, see {@link createOwnFile}. */
export function makeOwn(
  files: FileLayer,
  path: string,
  make: () => Awaitable<void>,
  tried = 1,
): Awaitable<void> {
  return catching<void>(make, (error) => {
    if (tried === TRIES_MAX || codeOf(error) !== 'EEXIST') throw error
    removeFile(files, path)
    return makeOwn(files, path, make, tried + 1)
  })
}

/** Opens a log to append to; every write goes to its end. */
export function openLog(files: FileLayer, path: string): number {
  return files.open(path, APPEND_FLAGS)
}

/** Waits until a file that is complete already is on the disk. */
export async function syncFile(files: FileLayer, path: string): Promise<void> {
  const descriptor = files.open(path, READ_FLAGS)
  try {
    await files.sync(descriptor)
  } finally {
    files.close(descriptor)
  }
}

/** Waits until the names in a directory are on the disk. File systems that know no such thing are passed over. */
export async function syncDirectory(files: FileLayer, path: string): Promise<void> {
  const descriptor = files.open(path, O_RDONLY | O_DIRECTORY)
  try {
    await files.sync(descriptor)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  } finally {
    files.close(descriptor)
  }
}

/** Removes a file if it is there. */
export function removeFile(files: FileLayer, path: string): void {
  try {
    files.unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Removes an empty directory if it is there and can be removed. */
export function removeDirectory(files: FileLayer, path: string): void {
  try {
    files.rmdir(path)
  } catch {
    // Whoever else removes it, or keeps it, does so for reasons of its own.
  }
}

/** Errors with which a file system says that it has no links, or not here. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'])

/** Tells whether a link failed because links can't be made, rather than because the name is taken. */
export function isLinkRefusal(error: unknown): boolean {
  return NO_LINK.has(codeOf(error))
}

/**
 * Makes a file that must not exist, so that nobody sees it half written: built under `staged`, then linked.
 * Where links can't be made it is created in place, and a reader may catch it incomplete.
 *
 * @returns Whether the file was made; `false` if the name was taken.
 */
export async function publishFile(
  files: FileLayer,
  path: string,
  options: {
    readonly staged: string
    readonly text: () => string | Iterable<string>
    readonly sync: boolean
  },
): Promise<boolean> {
  const { staged, text, sync } = options
  await createOwnFile(files, staged, { text: text(), sync })
  try {
    files.link(staged, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!isLinkRefusal(error)) throw error
  } finally {
    removeFile(files, staged)
  }
  try {
    await createSyncedFile(files, path, { text: text(), sync })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
