/** Copies what lies in runs of a typed array to one that lies in one piece, and back. */
import type { Run } from './array-shape.ts'
import type { TypedArray, TypedArrayType } from './typed-arrays.ts'

/** Runs of this length and above are copied faster through a view of them than one by one. */
const LONG_RUN = 32

/** Runs, and how many elements they have together. */
export interface Piece {
  readonly runs: Iterable<Run>
  readonly length: number
}

/** Copies runs, one after another, to an array of their own. */
export function packRuns(
  type: TypedArrayType<TypedArray>,
  values: TypedArray,
  { runs, length }: Piece,
): TypedArray {
  const packed = new type(length)
  let done = 0
  for (const run of runs) {
    copyRun(packed, done, values, run)
    done += run.length
  }
  return packed
}

/** Copies values to the runs of an array, one after another. */
export function unpackRuns(values: TypedArray, runs: Iterable<Run>, packed: TypedArray): void {
  let done = 0
  for (const { start, length } of runs) {
    copyRun(values, start, packed, { start: done, length })
    done += length
  }
}

/** Copies elements between two arrays of one type. They don't overlap. */
function copyRun(target: TypedArray, targetStart: number, source: TypedArray, { start, length }: Run): void {
  if (length >= LONG_RUN) {
    // All of them have these two methods, whatever they hold.
    ;(target as Uint8Array).set((source as Uint8Array).subarray(start, start + length), targetStart)
    return
  }
  for (let index = 0; index < length; index += 1) target[targetStart + index] = source[start + index] as never
}
