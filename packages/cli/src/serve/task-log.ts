/** Reads pieces of what a task has printed, for a page: never much at a time, never through a link. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** Bytes that are read at a time at most. */
const PIECE_SIZE_MAX = 256 * 1024
/** How far a piece may be cut at its beginning, so that it begins with a whole line. */
const LINE_SIZE_MAX = 8 * 1024

/** Which part of a file is wanted, in bytes. */
export type LogRange =
  /** What comes from there on: for who has read so far. */
  | { readonly from: number }
  /** What ends there, from the beginning of a line where that is near: for who reads backwards. */
  | { readonly before: number }
  /** The end of it. */
  | { readonly tail: true }

/** A piece of a log. */
export interface LogPiece {
  readonly bytes: Buffer
  /** Where it begins. */
  readonly from: number
  /** Size of the whole file. */
  readonly size: number
  /** Stands for this file: the next attempt has another, of the same name. */
  readonly file: string
}

/**
 * Reads a piece of a file that may grow meanwhile.
 *
 * @param range - Bytes beyond the file's end are none.
 * @param sizeMax - Bytes that are wanted at most. @defaultValue {@link PIECE_SIZE_MAX}
 * @returns `undefined` if there is no such file, or it is a link or no plain file.
 * @throws The system's error.
 */
export function readLogPiece(
  path: string,
  range: LogRange,
  sizeMax: number = PIECE_SIZE_MAX,
): LogPiece | undefined {
  let descriptor: number
  try {
    // Not waiting: what stands there may be a pipe without a writer.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(code)) return undefined
    throw error
  }
  try {
    const status = fstatSync(descriptor, { bigint: true })
    if (!status.isFile()) return undefined
    // The inode's number alone may be given to the next file at once.
    const file = `${status.ino}.${status.birthtimeNs}`
    const size = Number(status.size)
    const end = 'before' in range ? Math.min(range.before, size) : size
    const isBackwards = !('from' in range)
    const start = isBackwards ? Math.max(0, end - sizeMax) : Math.min(range.from, size)
    const buffer = Buffer.alloc(Math.min(end - start, sizeMax))
    const bytes = buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, start))
    const cut = isBackwards && start > 0 ? wholeFrom(bytes) : 0
    return { bytes: bytes.subarray(cut), from: start + cut, size, file }
  } finally {
    closeSync(descriptor)
  }
}

/** Where the first whole line begins, or, where lines are long, the first whole character. */
function wholeFrom(bytes: Buffer): number {
  const newline = bytes.indexOf(0x0a)
  if (newline !== -1 && newline < LINE_SIZE_MAX) return newline + 1
  let start = 0
  while (start < 3 && isContinuation(bytes[start])) start += 1
  return start
}

/** Whether a byte of UTF-8 is none that begins a character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xc0
}
