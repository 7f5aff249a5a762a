import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addonPath } from '@mpibatch/native-mpi'
import { expect, it } from 'vitest'
import { PROGRAM, startNode } from '../support/program.ts'
import {
  type Counts,
  countSystemCalls,
  describeWith,
  expectWithin,
  perTask,
  workDirectory,
} from './count-costs.ts'

const BATCH = join(import.meta.dirname, 'programs/run-batch.mjs')

/** What to do when a bound is passed. */
const ADVICE =
  'A task costs more system calls than before. docs/state-files.md, "What a task costs", lists those that it needs; ' +
  'if these are needed too, raise the bound in this file and say why.'

/** Calls per task of a program that is run on few tasks and on many, each in an empty directory. */
async function callsPerTask(
  [few, many]: readonly [number, number],
  argvOf: (taskCount: number) => readonly string[],
  prepare?: (taskCount: number, cwd: string) => Promise<void>,
): Promise<Counts> {
  const counts: Counts[] = []
  for (const taskCount of [few, many]) {
    const cwd = workDirectory()
    await prepare?.(taskCount, cwd)
    counts.push(await countSystemCalls(argvOf(taskCount), { cwd }))
  }
  return perTask(counts[0] ?? {}, counts[1] ?? {}, many - few)
}

/** Makes a root whose tasks are all DONE. */
async function runAll(taskCount: number, cwd: string): Promise<void> {
  const ended = await startNode([BATCH, 'root', `${taskCount}`, 'terminal'], { cwd }).ended
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
}

describeWith('strace', 'a task costs no more system calls than are known', () => {
  it.each([
    { durability: 'none', bounds: { openat: 3, close: 3, read: 1, write: 3, rename: 2, link: 2, mkdir: 1 } },
    {
      durability: 'terminal',
      bounds: { openat: 5, close: 5, read: 1, write: 3, fsync: 3, rename: 2, link: 2, mkdir: 1 },
    },
  ])('when a function runs it, and its state is kept ($durability)', async ({ durability, bounds }) => {
    const counts = await callsPerTask([500, 1500], (taskCount) => [BATCH, 'root', `${taskCount}`, durability])
    expectWithin(counts, bounds, ADVICE)
  })

  // Where there is no addon, Node's own way of starting programs is used, which makes other calls.
  it.skipIf(!existsSync(addonPath))('when it is a command', async () => {
    // At most: a sync of the root that no other task shares, and a look into /proc for the start time where the clock
    // has ticked meanwhile, which it does the more often the slower the machine is.
    const bounds = {
      ...{ openat: 8, close: 8, read: 2, write: 4, statx: 1, access: 1 },
      ...{ fsync: 3, rename: 2, link: 2, mkdir: 1, clone: 1, kill: 1 },
    }
    const counts = await callsPerTask([100, 400], (taskCount) => [
      PROGRAM,
      ...['run', '--array', `1-${taskCount}`, '--', 'true'],
    ])
    expectWithin(counts, bounds, ADVICE)
  })

  it('when it is DONE and given again, among so many that the index is read and not their states', async () => {
    const argv = (taskCount: number): string[] => [BATCH, 'root', `${taskCount}`, 'terminal']
    expectWithin(await callsPerTask([11_000, 13_000], argv, runAll), {}, ADVICE)
  })

  it.each([
    { what: 'status counts it', argv: () => [PROGRAM, 'status', 'root'] },
    { what: 'it is listed', argv: () => [PROGRAM, 'list', 'root'] },
  ])('when it is DONE and $what', async ({ argv }) => {
    const counts = await callsPerTask([1000, 3000], argv, runAll)
    expectWithin(counts, { openat: 1, close: 1, read: 1 }, ADVICE)
  })
})
