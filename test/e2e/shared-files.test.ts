/** `syncBarrierSync` and its like in a job script: alone, and on threads; `test/mpi` has the same under MPI. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, startNode } from '../support/program.ts'
import { expectSharedFiles } from '../support/shared-files.ts'
import { expectSortedWords, LICENCES, SORTED_WORDS } from '../support/sorted-words.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SCRIPT = join(import.meta.dirname, '../mpi/programs/shared-files.mjs')

describe('ranks that write files for each other', () => {
  it('read what was written, alone', async () => {
    const place = temporaryDirectory()
    expectSharedFiles(await startNode([SCRIPT, place], { cwd: place }).ended, { ranks: 1, place })
  })

  it('read what was written, as threads', async () => {
    const place = temporaryDirectory()
    const ended = await runProgram(['run', '-j', '3', SCRIPT, '--', place], { cwd: place })
    expect(ended.stderr).not.toContain('rror')
    expectSharedFiles(ended, { ranks: 3, place })
  })

  it.skipIf(!existsSync(LICENCES))('sort the words of all licences, alone and as threads', async () => {
    const [one, other] = [temporaryDirectory(), temporaryDirectory()]
    expectSortedWords(await startNode([SORTED_WORDS, one], { cwd: one }).ended, { directory: one })
    expectSortedWords(await runProgram(['run', '-j', '4', SORTED_WORDS, '--', other], { cwd: other }), {
      directory: other,
    })
  })
})
