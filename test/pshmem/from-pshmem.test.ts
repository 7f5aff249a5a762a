/** The programs beside ours in `examples/09-from-pshmem`, run by pshmem itself: they print what ours print. */
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { expectBatch, expectLock, expectShared, FROM_PSHMEM } from '../support/from-pshmem.ts'
import type { Ended } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { hasPshmem, startPython } from './pshmem-programs.ts'

function run(name: string, ranks: number, ...argv: readonly string[]): Promise<Ended> {
  return startPython([join(FROM_PSHMEM, name), ...argv], { ranks, cwd: FROM_PSHMEM }).ended
}

describe.skipIf(!hasPshmem).each([1, 4])('programs for pshmem, on %d ranks', (ranks) => {
  it('set parts of a shared array', async () => {
    expectShared(await run('shared.py', ranks), ranks)
  })

  it('count in a file under a lock', async () => {
    expectLock(await run('lock.py', ranks, temporaryDirectory()), ranks)
  })

  it('share tasks between groups', async () => {
    const root = join(temporaryDirectory(), 'out')
    expectBatch(await run('batch.py', ranks, root), { ranks, root, exitCode: 0 })
  })
})
