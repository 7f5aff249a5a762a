/** What every communicator has to do, under each MPI library and on several numbers of ranks. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks } from '../support/mpirun.ts'

const CONTRACT = join(import.meta.dirname, 'programs/contract.mjs')

interface Report {
  readonly abi: string
  readonly size: number
  readonly count: number
  readonly failures: readonly unknown[]
}

const ABI = {
  openmpi: 'openmpi',
  mpich: 'mpich',
  'openmpi-5': 'openmpi',
  'mpich-5': 'mpich',
  standard: 'standard',
} as const

describeMpi('the communicator', ['openmpi', 'mpich', 'openmpi-5', 'mpich-5', 'standard'], (mpi) => {
  it.each([1, 2, 3, 4])('keeps every promise on %d ranks', async (size) => {
    const ended = await runRanks(mpi, size, [CONTRACT])
    const [report] = jsonLines<Report>(ended)
    expect(report, ended.stderr).toMatchObject({ abi: ABI[mpi.name], size, failures: [] })
    expect(report?.count).toBeGreaterThan(20)
    expect(ended.exitCode, ended.stderr).toBe(0)
  })
})
