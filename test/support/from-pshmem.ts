/** What the programs of `examples/09-from-pshmem` have to print, ours and pshmem's, in every runtime. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { countStates, type Ended, readStates } from './program.ts'

export const FROM_PSHMEM: string = join(import.meta.dirname, '../../examples/09-from-pshmem')

const TASK_COUNT = 10

/** Some of the lines that `show` prints may come out of order under a launcher. */
function sortedLines({ stdout }: Pick<Ended, 'stdout'>): string[] {
  return stdout.split('\n').filter(Boolean).sort()
}

/** The array of `shared`: at first, after rank 0 has set a part, after the last rank has set another. */
export function expectShared(ended: Pick<Ended, 'exitCode' | 'stdout' | 'stderr'>, ranks: number): void {
  expect(ended.exitCode, ended.stderr).toBe(0)
  const stages = {
    'at first': '0 0 0 0 0 / 0 0 0 0 0 / 0 0 0 0 0',
    'after set': '0 0 0 0 0 / 0 0 1 2 0 / 0 3 4 5 0',
    'after assigning': '8 9 0 0 0 / 0 0 1 2 0 / 0 3 4 5 0',
  }
  const lines = Object.entries(stages).flatMap(([title, rows]) =>
    Array.from({ length: ranks }, (_, rank) => `${title}, rank ${rank}: ${rows}`),
  )
  expect(sortedLines(ended)).toEqual([...lines, 'element 2, 3 is 5'].sort())
}

/** The counters of `lock`: ten rounds of each rank, and one of each with an even number. */
export function expectLock(ended: Pick<Ended, 'exitCode' | 'stdout' | 'stderr'>, ranks: number): void {
  expect(ended.exitCode, ended.stderr).toBe(0)
  expect(sortedLines(ended)).toEqual([`all: ${10 * ranks}`, `evens: ${Math.ceil(ranks / 2)}`])
}

/** The tasks of `batch`: each by one group, all DONE but the one that fails; on disk the same. */
export function expectBatch(
  ended: Pick<Ended, 'exitCode' | 'stdout' | 'stderr'>,
  { ranks, root, exitCode }: { ranks: number; root: string; exitCode: number },
): void {
  expect(ended.exitCode, ended.stderr).toBe(exitCode)
  const groups = sortedLines(ended).map((line) => {
    const [, group, states = ''] = /^group (\d+): (.*)$/.exec(line) ?? []
    return { group: Number(group), states: states.split(' ') }
  })
  expect(groups.map(({ group }) => group)).toEqual(ranks === 1 ? [0] : [0, 1])
  const names = Object.keys(readStates(root)).sort()
  expect(names).toHaveLength(TASK_COUNT)
  const seen = names.map((_, task) =>
    groups.map(({ states }) => states[task]).filter((state) => state !== 'INVALID'),
  )
  expect(seen).toEqual(names.map((name) => [name === 'task_004' ? 'FAILED' : 'DONE']))
  expect(readStates(root)).toMatchObject({ task_004: 'FAILED' })
  expect(countStates(root)).toEqual({ DONE: TASK_COUNT - 1, FAILED: 1 })
}
