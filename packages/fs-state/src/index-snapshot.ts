/**
 * A snapshot of the index: one file that says of each task whether it was DONE last, and how much of which journal that
 * takes into account.
 *
 * The first line names the format. `J <instance> <proc> <size>` says that the first `size` bytes of that journal are
 * merged; then come lines `D <slot> <name>` and `R <slot> <name>`, and at the end `E <crc32>` over all before it. A file
 * that is not whole counts as absent.
 */
import { crc32 } from 'node:zlib'
import { readLineBlocks } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { type JournalLine, printIndexLine } from './journal.ts'

const HEADER = 'mpibatch index 1'

/** Characters that are written at a time. */
const PIECE_SIZE = 1 << 18

/** A journal of which a part is merged. */
export interface MergedJournal {
  readonly instance: string
  readonly proc: number
  /** Bytes from its beginning. */
  readonly size: number
}

/** What a snapshot says. */
export interface SnapshotContent {
  readonly journals: Iterable<MergedJournal>
  readonly lines: Iterable<JournalLine>
}

/** The text of a snapshot, in pieces. */
export function* printSnapshot({ journals, lines }: SnapshotContent): Generator<string> {
  let sum = 0
  let piece = `${HEADER}\n`
  for (const { instance, proc, size } of journals) piece += `J ${instance} ${proc} ${size}\n`
  for (const line of lines) {
    piece += `${printIndexLine(line)}\n`
    if (piece.length < PIECE_SIZE) continue
    sum = crc32(piece, sum)
    yield piece
    piece = ''
  }
  sum = crc32(piece, sum)
  yield `${piece}E ${sum}\n`
}

/** Takes a line of a snapshot, without newline; tells whether it understands it. */
export type TakeSnapshotLine = (text: string) => boolean

/**
 * Reads a snapshot.
 *
 * @returns Whether it was whole. If not, what the lines said must be forgotten.
 * @throws The system's error.
 */
export function readSnapshot(files: FileLayer, path: string, take: TakeSnapshotLine): boolean {
  let sum = 0
  let begun = false
  let ended = false
  for (const { bytes, torn } of readLineBlocks(files, path)) {
    if (torn || ended) return false
    // No other line begins like the last one.
    const last = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
    ended = bytes[last] === 0x45
    const body = ended ? bytes.subarray(0, last) : bytes
    sum = crc32(body, sum)
    if (ended && bytes.toString('latin1', last) !== `E ${sum}\n`) return false
    const text = body.toString('utf8')
    let start = 0
    if (!begun && body.length > 0) {
      if (!text.startsWith(`${HEADER}\n`)) return false
      begun = true
      start = HEADER.length + 1
    }
    for (let end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', start)) {
      if (!take(text.slice(start, end))) return false
      start = end + 1
    }
  }
  return begun && ended
}

/** Reads a line on a merged journal; `undefined` if it is another line. */
export function parseMergedJournal(text: string): MergedJournal | undefined {
  const match = /^J ([0-9a-f]{16}) (0|[1-9][0-9]{0,8}) ([0-9]{1,15})$/.exec(text)
  const [, instance, proc, size] = match ?? []
  if (instance === undefined || proc === undefined || size === undefined) return undefined
  return { instance, proc: Number(proc), size: Number(size) }
}
