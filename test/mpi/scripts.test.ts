/** Job scripts that a launcher starts by itself, `mpirun -n 4 node job.mjs`: as under `mpibatch run`. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks } from '../support/mpirun.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SCRIPT = join(import.meta.dirname, 'programs/script.mjs')
const TASK_COUNT = 30

interface Report {
  readonly counts: Readonly<Record<string, number>>
  readonly all: readonly { readonly group: number; readonly mine: readonly number[] }[]
  readonly states: readonly string[]
}

describeMpi('a job script under a launcher', ['openmpi', 'mpich'], (mpi) => {
  it.each([
    [4, 1],
    [4, 2],
    [3, 3],
  ])('runs every task once, on %d ranks in groups of %d', async (ranks, groupSize) => {
    const root = join(temporaryDirectory(), 'out')
    const ended = await runRanks(mpi, ranks, [SCRIPT, root, String(groupSize)])
    expect(ended.exitCode, ended.stderr).toBe(0)
    const [report] = jsonLines<Report>(ended)
    expect(report?.counts).toMatchObject({ DONE: TASK_COUNT })
    expect(report?.states).toEqual(new Array(TASK_COUNT).fill('DONE'))
    const members = new Map<number, (readonly number[])[]>()
    for (const { group, mine } of report?.all ?? []) members.set(group, [...(members.get(group) ?? []), mine])
    expect(members.size).toBe(ranks / groupSize)
    // Every member of a group had the same tasks, and no two groups had one in common.
    for (const lists of members.values()) for (const list of lists) expect(list).toEqual(lists[0])
    const taken = [...members.values()].flatMap(([list]) => list ?? [])
    expect([...taken].sort((left, right) => left - right)).toEqual(
      Array.from({ length: TASK_COUNT }, (_, index) => index),
    )
    const names = readdirSync(root).filter((name) => !name.startsWith('.'))
    expect(names.map((name) => readFileSync(join(root, name, 'state'), 'utf8'))).toEqual(
      new Array(TASK_COUNT).fill('DONE\n'),
    )
  })

  it('may end by process.exit on all ranks', async () => {
    const root = join(temporaryDirectory(), 'out')
    const ended = await runRanks(mpi, 3, [SCRIPT, root, '1', 'exit'])
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(jsonLines<Report>(ended)[0]?.counts).toMatchObject({ DONE: TASK_COUNT })
  })

  it('whose first rank leaves the others is ended, with a sentence', async () => {
    const root = join(temporaryDirectory(), 'out')
    const ended = await runRanks(mpi, 3, [SCRIPT, root, '1', 'early'])
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stderr).toContain('rank 0: This rank ended before the job was over')
  })
})
