/**
 * Files of the user's own that several ranks use, on one machine or on several: bringing what was written to the server,
 * and making this machine's client ask the server again. What clients remember, and for how long, is in
 * `docs/consistency.md`.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SharedFileError } from '@mpibatch/batch-core'
import { codeOf } from '../io-error.ts'

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = constants

/** What is known of a file or directory at one moment, by its server's clock. */
export interface FileStamp {
  readonly isDirectory: boolean
  readonly sizeBytes: bigint
  readonly modifiedNs: bigint
}

/** Opens a file or directory, which makes an NFS client compare what it remembers of it with the server's. */
export async function withOpened<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  // A pipe must not make us wait for its other end.
  const file = await open(path, O_RDONLY | O_NONBLOCK)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

/** What an opened file looks like to this machine. */
export async function stampOf(file: FileHandle): Promise<FileStamp> {
  const stats = await file.stat({ bigint: true })
  return { isDirectory: stats.isDirectory(), sizeBytes: stats.size, modifiedNs: stats.mtimeNs }
}

/** Waits until the names in a directory are on the disk. File systems that know no such thing are passed over. */
export async function syncNames(directory: string): Promise<void> {
  await withOpened(directory, syncOpened)
}

/** Waits until an opened file, or the names of an opened directory, are on the disk. */
export async function syncOpened(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } catch (error) {
    const code = codeOf(error)
    // Directories of some file systems, and what is no plain file.
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  }
}

/**
 * Makes this machine's client forget what it remembers of the names on the way to a path: that one is absent, or which
 * file it leads to. Directories that can't be opened are passed over.
 *
 * @param known - Directories that were asked for already; those on the way are added.
 */
export async function refreshPath(path: string, known: Set<string> = new Set()): Promise<void> {
  const parent = dirname(path)
  if (parent === path || known.has(parent)) return
  // From the top: a name is looked up in what the name above leads to.
  await refreshPath(parent, known)
  known.add(parent)
  try {
    await (await open(parent, O_RDONLY | O_DIRECTORY)).close()
  } catch {
    // What is really wrong with the path is said by whoever opens it.
  }
}

/** Makes a client forget which files the names of a directory led to, where opening it is not enough (GlusterFS). */
export async function refreshNames(directory: string): Promise<void> {
  // What is wrong with it is said by whoever opens the file.
  await readdir(directory).catch(() => undefined)
}

/** The error for a call on a user's file that failed. */
export function toSharedFileError(error: unknown, where: { action: string; path: string }): SharedFileError {
  if (error instanceof SharedFileError) return error
  const { action, path } = where
  const code = codeOf(error)
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  return new SharedFileError(`Could not ${action} ${path}: ${reason}`, {
    cause: error,
    details: { path, code },
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file. Give the path as this machine knows it, and write the file before.',
  ENOTDIR: 'a part of the path is a file, not a directory.',
  EACCES: 'permission is denied. Look who owns it.',
  ENOSPC: 'the disk is full.',
  EDQUOT: 'the quota is used up.',
  EROFS: 'the file system is read-only.',
  EIO: 'the disk or its server reported an error; what was written last may be lost. Write it again elsewhere.',
}
