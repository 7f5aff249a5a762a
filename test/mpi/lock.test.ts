/** The token lock between the ranks of a job, in memory that they share and by messages. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi, type Mpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks } from '../support/mpirun.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const PROGRAM = join(import.meta.dirname, 'programs/lock.mjs')

interface Round {
  readonly requests: readonly number[]
  readonly grants: readonly number[]
}

/** What the program found on each rank, by rank. */
async function check<T>(mpi: Mpi, ranks: number, ...argv: readonly string[]): Promise<T[]> {
  const ended = await runRanks(mpi, ranks, [PROGRAM, ...argv])
  expect(ended.exitCode, ended.stderr + ended.stdout).toBe(0)
  const lines = jsonLines<{ rank: number; found: T }>(ended)
  return lines.sort((one, other) => one.rank - other.rank).map(({ found }) => found)
}

/** Counts under the lock in a file. */
async function count(mpi: Mpi, ranks: number, handoffs: number, place: 'node' | 'nodes'): Promise<void> {
  const path = join(temporaryDirectory(), 'counter')
  writeFileSync(path, new Uint8Array(8))
  const [found] = await check<{ counted: number; inFile: number }>(
    ...([mpi, ranks, 'count', path, String(handoffs), place] as const),
  )
  expect(found?.counted).toBeGreaterThanOrEqual(handoffs)
  expect(found?.inFile).toBe(found?.counted)
  expect(new Float64Array(new Uint8Array(readFileSync(path)).buffer)[0]).toBe(found?.counted)
}

describeMpi('the token lock', ['openmpi', 'mpich'], (mpi) => {
  it.each(['node', 'nodes'])('is passed on in order of request (%s)', async (place) => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const [rounds = []] = await check<readonly Round[]>(mpi, 4, 'order', String(seed), place)
    expect(rounds).toHaveLength(20)
    for (const { requests, grants } of rounds) expect(grants, `seed ${seed}`).toEqual(requests)
  })

  it.each([2, 4])('loses nothing of a counter in a file in 100,000 handoffs of %d ranks', async (ranks) => {
    await count(mpi, ranks, 100_000, 'node')
  })

  it('loses nothing in 1,000 handoffs by messages', async () => {
    await count(mpi, 3, 1000, 'nodes')
  })

  it.each(['node', 'nodes'])(
    'keeps several locks apart, also of some of the ranks only (%s)',
    async (place) => {
      const found = await check(mpi, 4, 'several', place)
      expect(found).toEqual(Array.from({ length: 4 }, () => ({ foul: 0, isWhole: true })))
    },
  )

  it.each(['node', 'nodes'])(
    'is free again when its holder throws, and refuses misuse (%s)',
    async (place) => {
      const found = await check(mpi, 2, 'misuse', place)
      const told = {
        notHeld: 'ERR_MPIBATCH_LOCK_NOT_HELD',
        thrown: 'in the lock',
        closedByHolder: 'ERR_MPIBATCH_USAGE',
        late: 'ERR_MPIBATCH_TIMEOUT',
        freeAgain: 'none',
        closed: 'ERR_MPIBATCH_CLOSED',
      }
      expect(found).toEqual([told, told])
    },
  )
})
