/** The program that does what a batch over a root promises, and what it has to print in any runtime. */
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from './program.ts'

/** A job script. Argument: a directory for its roots. */
export const BATCH_OVER_ROOT: string = join(import.meta.dirname, 'programs/batch-over-root.mjs')

const COUNT = 25

/**
 * Checks what the program has printed on so many ranks.
 *
 * @param exitCode - Of `mpibatch run` 1, since a task has failed. @defaultValue 0
 */
export function expectBatchOverRoot(ended: Ended, size: number, exitCode = 0): void {
  expect(ended.exitCode, ended.stderr).toBe(exitCode)
  const groupSize = size % 2 === 0 ? 2 : 1
  const only = (index: number): number[] => Array.from({ length: COUNT }, (_, at) => (at === index ? 1 : 0))
  const squares = Array.from({ length: COUNT }, (_, index) => index ** 2)
  expect(JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    size,
    groupSize,
    taken: Array(COUNT).fill(1),
    states: Array(COUNT).fill('DONE').with(13, 'FAILED'),
    others: Array(7).fill(1),
    retried: only(13),
    retriedState: 'DONE',
    rerun: 'RUNNING',
    // The second attempt of each, or the third of the one that had failed.
    attempts: expect.toSatisfy((attempts: number[]) =>
      attempts.every((attempt) => attempt === 2 || attempt === 3),
    ),
    counts: { OPEN: 0, RUNNING: 0, DONE: COUNT, FAILED: 0, INVALID: 0, ELSEWHERE: 0 },
    maps: [
      squares.with(5, 'Error: no five in run 1' as never),
      1,
      squares.with(5, 'It has failed.' as never),
      1,
    ],
    events: [(COUNT - 1) * groupSize, 0],
  })
}
