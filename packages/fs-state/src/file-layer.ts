/**
 * The file-system calls that the store makes, and no others.
 *
 * Everything that decides who owns a task goes through this port, so that a test can put a layer in between that
 * fails, lies or loses what was not synced. Calls on names are synchronous: they take microseconds, where a trip
 * through the thread pool takes ten times as long. Only `sync` waits for a disk, and is asynchronous so that the
 * syncs of several tasks overlap.
 */

import type { Mount } from './mount-table.ts'

/** What kind of thing a name in a directory stands for. */
export type EntryKind = 'directory' | 'file' | 'symlink' | 'other'

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: string
  readonly kind: EntryKind
}

/** See the top of this file. Every call throws the system's error, with its `code`. */
export interface FileLayer {
  /** Opens a file; `flags` are those of `node:fs` constants. A mode is cut by the umask. */
  open(path: string, flags: number, mode?: number): number
  /** Reads from the current position, or from a given byte, which leaves the current one alone; 0 at the end. */
  read(descriptor: number, buffer: Uint8Array, position?: number): number
  /** Writes all of the text, in one call where the system takes it in one. */
  write(descriptor: number, text: string): void
  close(descriptor: number): void
  /** Waits until the file or directory is on the disk. */
  sync(descriptor: number): Promise<void>
  /** Makes a second name for a file; fails if the name is taken. */
  link(existing: string, path: string): void
  symlink(target: string, path: string): void
  readlink(path: string): string
  rename(from: string, to: string): void
  unlink(path: string): void
  mkdir(path: string): void
  rmdir(path: string): void
  /** Kind of an opened file. */
  kindOf(descriptor: number): EntryKind
  /**
   * Kind of what a name stands for, or `undefined` if there is nothing. It may come from a cache of the client that
   * is out of date, so it may save work but never decide anything.
   */
  peek(path: string): EntryKind | undefined
  /** Goes through the names of a directory. */
  list(path: string): Iterable<DirectoryEntry>
  /** Number that stands for the type of the file system, as statfs(2) gives it. */
  fileSystemType(path: string): number
  /** How the file system is mounted that a directory belongs to; `undefined` where the system does not tell. */
  mountOf(path: string): Mount | undefined
  /**
   * Text that stands for the identity and the times of an opened file or directory. Of two such texts only equality
   * means anything.
   */
  stampOf(descriptor: number): string
  /** Waits before a call is tried again. Time belongs to the port, so that a simulated file system simulates it too. */
  pause(delayMs: number): Promise<void>
}
