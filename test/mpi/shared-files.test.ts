/** Files that ranks write for each other, under a launcher; `test/e2e/shared-files.test.ts` has the same without. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { runRanks } from '../support/mpirun.ts'
import { expectSharedFiles } from '../support/shared-files.ts'
import { expectSortedWords, LICENCES, SORTED_WORDS } from '../support/sorted-words.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SCRIPT = join(import.meta.dirname, 'programs/shared-files.mjs')

describeMpi('ranks that write files for each other', ['openmpi', 'mpich'], (mpi) => {
  it('read what was written', async () => {
    const place = temporaryDirectory()
    expectSharedFiles(await runRanks(mpi, 3, [SCRIPT, place]), { ranks: 3, place })
  })

  it.skipIf(!existsSync(LICENCES))('sort the words of all licences', async () => {
    const directory = temporaryDirectory()
    expectSortedWords(await runRanks(mpi, 3, [SORTED_WORDS, directory]), { directory })
  })
})
