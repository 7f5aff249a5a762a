/** A batch on ranks of several nodes, under each MPI: who gets which task, what all see, and what is left in the root. */
import { join } from 'node:path'
import { openRootView } from '@mpibatch/fs-state'
import { expect, it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks } from '../support/mpirun.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const BATCH = join(import.meta.dirname, 'programs/batch.mjs')

interface Report {
  readonly instance: string
  readonly done: readonly number[]
  readonly counts: Readonly<Record<string, number>>
}

describeMpi('a batch on ranks of two nodes', ['openmpi', 'mpich'], (mpi) => {
  it.each(['memory', 'root'])(
    'runs every task once and counts them on every rank, with states in its %s',
    async (kept) => {
      const root = kept === 'root' ? join(temporaryDirectory(), 'root') : '-'
      const ended = await runRanks(mpi, 4, [BATCH, root, '400', '0011'])
      expect(ended.exitCode, ended.stderr).toBe(0)
      const reports = jsonLines<Report>(ended)
      expect(reports).toHaveLength(4)
      for (const { counts } of reports) expect(counts).toMatchObject({ DONE: 400, RUNNING: 0, OPEN: 0 })
      const done = reports.flatMap((report) => report.done).sort((one, other) => one - other)
      expect(done).toEqual(Array.from({ length: 400 }, (_, index) => index))
      if (root === '-') return
      const view = openRootView(root)
      expect(view.counts()).toMatchObject({ DONE: 400 })
      const [first, ...others] = reports.map(({ instance }) => instance)
      expect(new Set(others).size).toBe(3)
      for (const { batch, alive } of view.instances()) expect([batch, alive]).toEqual([first, false])
      expect(view.instances()).toHaveLength(4)
    },
  )
})
