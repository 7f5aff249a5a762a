/**
 * Lines of a journal, `journal.<proc>` in the instance's directory (pure): `D` when a task has become DONE, `R` before
 * an ended task is opened again. From all journals together follows which tasks were DONE last; for each task the line
 * with the highest slot counts (`docs/state-files.md`, Index).
 */
import { crc32 } from 'node:zlib'

/** What a line says of a task: it is DONE on the disk, or it is about to be opened again. */
export type JournalKind = 'D' | 'R'

/** A line of a journal. */
export interface JournalLine {
  readonly kind: JournalKind
  /** The slot of the result, or the one that the OPEN event is going to take. 0 in the index if it is not known. */
  readonly slot: number
  readonly task: string
}

/** The text of a line, without newline: `<kind> <slot> <name> <crc>`. */
export function printJournalLine(line: JournalLine): string {
  const body = printIndexLine(line)
  return `${body} ${checksum(body)}`
}

/** Reads a line; `undefined` if it is torn or damaged. */
export function parseJournalLine(text: string): JournalLine | undefined {
  const end = text.length - CHECKSUM_SIZE - 1
  if (end < 0 || text[end] !== ' ') return undefined
  const body = text.slice(0, end)
  return checksum(body) === text.slice(end + 1) ? parseIndexLine(body) : undefined
}

/** The text of a line of the index, which has one checksum for all of them: `<kind> <slot> <name>`. */
export function printIndexLine({ kind, slot, task }: JournalLine): string {
  return `${kind} ${slot} ${task}`
}

/** Reads what {@link printIndexLine} has written; `undefined` if it is something else. */
export function parseIndexLine(text: string): JournalLine | undefined {
  const kind = text[0]
  const end = text.indexOf(' ', 2)
  if ((kind !== 'D' && kind !== 'R') || text[1] !== ' ' || end === -1) return undefined
  const digits = text.slice(2, end)
  if (!/^(0|[1-9][0-9]{0,8})$/.test(digits)) return undefined
  return { kind, slot: Number(digits), task: text.slice(end + 1) }
}

/** Characters of a checksum. */
const CHECKSUM_SIZE = 8

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_SIZE, '0')
}
