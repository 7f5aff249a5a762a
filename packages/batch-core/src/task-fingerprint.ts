import { createHash, hash } from 'node:crypto'
import type { TaskDefinition } from './task-definition.ts'

/** Hexadecimal digits of a fingerprint: 64 bits. */
const DIGITS = 16

/**
 * Short hash of what decides the result of a task; order and types of the parts count.
 *
 * @param parts - Plain data.
 * @returns 16 hexadecimal digits of SHA-256 over the JSON text.
 */
export function fingerprintOf(parts: unknown): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, DIGITS)
}

/** Items of a column that are put into text at a time. */
const PIECE_LENGTH = 4096

/**
 * Hash of long lists, of which no text is made as a whole; order, types and gaps count.
 *
 * @param parts - Plain data that is short.
 * @param columns - Lists of plain data, such as arrays; `undefined` differs from `null`.
 * @returns 64 hexadecimal digits of SHA-256.
 */
export function digestOf(
  parts: unknown,
  columns: Iterable<{ readonly length: number; at(index: number): unknown }>,
): string {
  const sum = createHash('sha256').update(JSON.stringify(parts))
  for (const column of columns) {
    sum.update(`\n${column.length}`)
    for (let start = 0; start < column.length; start += PIECE_LENGTH) {
      const length = Math.min(PIECE_LENGTH, column.length - start)
      const piece = Array.from({ length }, (_, offset) => column.at(start + offset))
      // JSON has nothing for what is missing; no value of a task is a list.
      sum.update(
        JSON.stringify(
          piece.includes(undefined) ? piece.map((item) => (item === undefined ? [] : item)) : piece,
        ),
      )
    }
  }
  return sum.digest('hex')
}

/**
 * Fingerprint of a task of a job script. It covers the values and the script's own `version`, not the text of the
 * script: mending a bug there must not bring back what is done.
 */
export function scriptFingerprint({ values = {} }: TaskDefinition, version: string): string {
  return fingerprintOf(['script', version, Object.entries(values)])
}

/** What a task of a job script runs, on one line. */
export function scriptSummary({ values = {} }: TaskDefinition, version: string): string {
  return JSON.stringify(values) + (version === '' ? '' : ` version ${version}`)
}
