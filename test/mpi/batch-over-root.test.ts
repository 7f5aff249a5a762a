/** What a batch promises in every runtime, and its example, here on the ranks of a launcher. */
import { it } from 'vitest'
import { BATCH_OVER_ROOT, expectBatchOverRoot } from '../support/batch-over-root.ts'
import { expectMersennePrimes, MERSENNE } from '../support/mersenne.ts'
import { describeMpi } from '../support/mpi-installations.ts'
import { runRanks } from '../support/mpirun.ts'
import { PROGRAM } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

describeMpi('a batch over a root', ['openmpi', 'mpich'], (mpi) => {
  it.each([2, 3])('keeps its promises on %i ranks of a script under the launcher', async (count) => {
    expectBatchOverRoot(await runRanks(mpi, count, [BATCH_OVER_ROOT, temporaryDirectory()]), count)
  })

  it('keeps its promises on 4 ranks of mpibatch run', async () => {
    const argv = [PROGRAM, 'run', BATCH_OVER_ROOT, '--', temporaryDirectory()]
    expectBatchOverRoot(await runRanks(mpi, 4, argv), 4, 1)
  })

  it('finds the Mersenne primes that are known, in its example', async () => {
    expectMersennePrimes(await runRanks(mpi, 3, [MERSENNE]))
  })
})
