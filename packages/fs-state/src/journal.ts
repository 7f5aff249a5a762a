/**
 * The journal of re-opened tasks: before an ended task is opened again, the slot of that event, the task's name and
 * a checksum go to `journal.<proc>` in the instance's directory, and to the disk. Whoever keeps a list of what is
 * done learns from it what is not any more (pure).
 */
import { crc32 } from 'node:zlib'

/** A line of the journal. */
export interface ReopenLine {
  /** The slot that the OPEN event is going to take. */
  readonly slot: number
  readonly task: string
}

/** The text of a line, without newline: `R <slot> <name> <crc>`. */
export function printReopenLine({ slot, task }: ReopenLine): string {
  const body = `R ${slot} ${task}`
  return `${body} ${checksum(body)}`
}

/** Reads a line; `undefined` if it is torn or damaged. */
export function parseReopenLine(text: string): ReopenLine | undefined {
  const match = /^(R ([1-9][0-9]{0,8}) (.+)) ([0-9a-f]{8})$/u.exec(text)
  if (match === null) return undefined
  const [, body, slot, task, sum] = match
  if (body === undefined || slot === undefined || task === undefined || checksum(body) !== sum)
    return undefined
  return { slot: Number(slot), task }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
