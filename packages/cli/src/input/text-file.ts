/**
 * Reads lists of tasks: UTF-8 text from a file, a pipe, or standard input (`-`), with one sentence for whatever a
 * list must not be. Synchronous, since nothing else can start before the list is known.
 */
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigError } from '@mpibatch/batch-core'

/** Longest line of a list, in bytes. */
export const LINE_SIZE_MAX: number = 1024 * 1024

const CHUNK_SIZE = 256 * 1024
/** Largest list that has to be read as a whole, in bytes: what Node takes for one string. */
const WHOLE_SIZE_MAX = 512 * 1024 * 1024 - 32
const NEWLINE = 0x0a
const STANDARD_INPUT = 0
/** How long to wait for a standard input that another program has set to not block, in milliseconds. */
const RETRY_MS = 10

/** How messages call a list: by its file, or as standard input. */
export function nameOfFile(file: string): string {
  return file === '-' ? 'standard input' : JSON.stringify(file)
}

/**
 * Reads a list as a whole, without its byte order mark.
 *
 * @throws {@link ConfigError} naming the file, if it can't be read or is no UTF-8 text.
 */
export function readText(file: string): string {
  const chunks: Buffer[] = []
  let size = 0
  for (const chunk of readChunks(file)) {
    chunks.push(chunk)
    size += chunk.length
    if (size > WHOLE_SIZE_MAX) {
      throw new ConfigError(
        `${nameOfFile(file)} is larger than 512 MiB. Split it, or give one task a line with -a.`,
      )
    }
  }
  return decode(Buffer.concat(chunks), { file, firstLine: 1 })
}

/**
 * Reads the lines of a list, without their ends (`\n` or `\r\n`). Holds one part of the file at a time.
 *
 * @throws {@link ConfigError} naming the file, and the line, if it can't be read, is no UTF-8 text, or has a line of
 *   more than 1 MiB.
 */
export function* readLines(file: string): Generator<{ readonly text: string; readonly number: number }> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 1
  function* linesOf(block: Buffer): Generator<{ readonly text: string; readonly number: number }> {
    for (const line of decode(block, { file, firstLine: number }).split('\n')) {
      yield { text: line.endsWith('\r') ? line.slice(0, -1) : line, number }
      number += 1
    }
  }
  for (const chunk of readChunks(file)) {
    const joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const end = joined.lastIndexOf(NEWLINE)
    rest = joined.subarray(end + 1)
    if (end >= 0) yield* linesOf(joined.subarray(0, end))
    if (rest.length > LINE_SIZE_MAX) {
      throw new ConfigError(
        `Line ${number} of ${nameOfFile(file)} is longer than 1 MiB. It looks like no list of tasks.`,
      )
    }
  }
  if (rest.length > 0) yield* linesOf(rest)
}

function decode(bytes: Buffer, place: { readonly file: string; readonly firstLine: number }): string {
  const nul = bytes.indexOf(0)
  if (nul >= 0) {
    throw new ConfigError(
      `Line ${lineAt(bytes, nul, place)} of ${nameOfFile(place.file)} has a NUL byte: it is not a text list.`,
    )
  }
  if (!isUtf8(bytes)) {
    const offset = firstFaultOffset(bytes)
    throw new ConfigError(
      `Line ${lineAt(bytes, offset, place)} of ${nameOfFile(place.file)} is not UTF-8 text. Convert the file first.`,
    )
  }
  const text = bytes.toString('utf8')
  return place.firstLine === 1 && text.startsWith('\ufeff') ? text.slice(1) : text
}

/** Where the longest UTF-8 prefix that ends with a line ends. */
function firstFaultOffset(bytes: Buffer): number {
  let start = 0
  for (;;) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    if (newline < 0 || !isUtf8(bytes.subarray(start, end))) return start
    start = end + 1
  }
}

function lineAt(bytes: Buffer, offset: number, { firstLine }: { readonly firstLine: number }): number {
  let line = firstLine
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line += 1
  return line
}

function* readChunks(file: string): Generator<Buffer> {
  const descriptor = file === '-' ? STANDARD_INPUT : open(file)
  try {
    for (;;) {
      // A new buffer each time: lines that are still to come lie in the one before.
      const buffer = Buffer.allocUnsafe(CHUNK_SIZE)
      const size = readOrWait(descriptor, buffer, file)
      if (size === 0) return
      yield buffer.subarray(0, size)
    }
  } finally {
    if (descriptor !== STANDARD_INPUT) closeSync(descriptor)
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'r')
  } catch (error) {
    throw unreadable(file, error)
  }
}

function readOrWait(descriptor: number, buffer: Buffer, file: string): number {
  for (;;) {
    try {
      return readSync(descriptor, buffer)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw unreadable(file, error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EISDIR: 'is a directory, not a list',
  EACCES: 'may not be read by you',
  EPERM: 'may not be read by you',
}

function unreadable(file: string, cause: unknown): ConfigError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  return new ConfigError(`The list ${nameOfFile(file)} ${REASONS[code] ?? `can't be read: ${message}`}.`, {
    cause,
    details: { path: file },
  })
}
