/** The programs of `examples/09-from-pshmem` under a launcher; `test/examples/from-pshmem.test.ts` has the same without. */
import { join } from 'node:path'
import { it } from 'vitest'
import { expectBatch, expectLock, expectShared, FROM_PSHMEM } from '../support/from-pshmem.ts'
import { describeMpi } from '../support/mpi-installations.ts'
import { runRanks } from '../support/mpirun.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RANKS = 4

describeMpi('programs that were written for pshmem', ['openmpi', 'mpich'], (mpi) => {
  it('set parts of a shared array', async () => {
    expectShared(await runRanks(mpi, RANKS, [join(FROM_PSHMEM, 'shared.mjs')]), RANKS)
  })

  it('count in a file under a lock', async () => {
    const argv = [join(FROM_PSHMEM, 'lock.mjs'), temporaryDirectory()]
    expectLock(await runRanks(mpi, RANKS, argv), RANKS)
  })

  it('share tasks between groups', async () => {
    const root = join(temporaryDirectory(), 'out')
    const ended = await runRanks(mpi, RANKS, [join(FROM_PSHMEM, 'batch.mjs'), root])
    expectBatch(ended, { ranks: RANKS, root, exitCode: 0 })
  })
})
