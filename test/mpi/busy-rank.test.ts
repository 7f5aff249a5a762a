/** A rank that computes in JavaScript delays no other: its MPI thread answers for it. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeMpi, type Mpi, overTcp } from '../support/mpi-installations.ts'
import { jsonLines, type RanksOptions, runRanks } from '../support/mpirun.ts'

const PROGRAM = join(import.meta.dirname, 'programs/busy-rank.mjs')
const DELAY_MS_MAX = 5
/** A rank without work takes less than 0.05 of a processor; a machine that has other work measures more. */
const IDLE_MAX = 0.15
/** Ranks that don't see each other's processes can't share memory, as in containers. */
const UNSHARE = ['--pid', '--fork', '--mount-proc']
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0

if (!canUnshare && process.env.MPIBATCH_REQUIRE_MPI === '1') {
  throw new Error('MPIBATCH_REQUIRE_MPI=1, but "unshare --pid" is refused here: it needs root.')
}

interface Times {
  readonly count: number
  readonly median: number
}

interface Figures {
  readonly isServed: boolean
  readonly idle: number
  readonly window: Times
  readonly lock: Times
  readonly claim: Times
}

/** Measures on two ranks what the program says. */
async function measure(mpi: Mpi, place: 'node' | 'nodes', options?: RanksOptions): Promise<Figures> {
  const argv = place === 'node' ? [PROGRAM, place] : [...UNSHARE, process.execPath, PROGRAM, place]
  const ended = await runRanks(mpi, 2, argv, options)
  const [figures] = jsonLines<Figures>(ended)
  if (figures === undefined) throw new Error(ended.stderr)
  process.stdout.write(`${mpi.name}: ${JSON.stringify(figures)}\n`)
  return figures
}

function expectQuick(figures: Figures): void {
  for (const what of ['window', 'lock', 'claim'] as const) {
    expect(figures[what].count).toBeGreaterThan(20)
    expect(figures[what].median, what).toBeLessThan(DELAY_MS_MAX)
  }
  expect(figures.idle).toBeLessThan(IDLE_MAX)
}

// What else the machine does may spoil one try, not two.
describeMpi('a rank that computes for half a second', ['openmpi', 'mpich'], (mpi) => {
  it('delays no claim, no lock and no window of its node', async () => {
    const figures = await measure(mpi, 'node')
    expect(figures.isServed).toBe(false)
    expectQuick(figures)
  })

  describe.skipIf(!canUnshare)('to which others talk by TCP', () => {
    it('delays them by less than 5 ms', async () => {
      const figures = await measure(mpi, 'nodes', { program: 'unshare', env: overTcp(mpi) })
      expect(figures.isServed).toBe(true)
      expectQuick(figures)
    })
  })
})
