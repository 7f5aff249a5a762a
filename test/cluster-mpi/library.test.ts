/** Examples of the library between two nodes: they print what they print on one, and their files lie on a shared disk. */
import { join } from 'node:path'
import { it } from 'vitest'
import { SHARED } from '../cluster/bed.ts'
import { expectBatch, expectLock, expectShared, FROM_PSHMEM } from '../support/from-pshmem.ts'
import { expectSortedWords, SORTED_WORDS } from '../support/sorted-words.ts'
import { describeOnNodes, FAMILIES } from './mpi-bed.ts'

const RANKS = 4

describeOnNodes('ranks on two nodes', ['mpirun.openmpi', 'mpirun.mpich'], (nodes) => {
  for (const family of FAMILIES) {
    const run = (script: string, ...argv: readonly string[]): ReturnType<typeof nodes.run> =>
      nodes.run(family, [process.execPath, script, ...argv])

    it(`set parts of an array with a copy on each, under ${family.name}`, async () => {
      expectShared(await run(join(FROM_PSHMEM, 'shared.mjs')), RANKS)
    })

    it(`count in a file under one lock, under ${family.name}`, async () => {
      expectLock(await run(join(FROM_PSHMEM, 'lock.mjs'), `${SHARED}/lock-${family.key}`), RANKS)
    })

    it(`share tasks between groups, under ${family.name}`, async () => {
      const root = `groups-${family.key}`
      const end = await run(join(FROM_PSHMEM, 'batch.mjs'), `${SHARED}/${root}`)
      expectBatch(end, { ranks: RANKS, root: nodes.bed.sharedPath(root), exitCode: 0 })
    })

    it(`sort the words of all licences through files, under ${family.name}`, async () => {
      const place = `words-${family.key}`
      const end = await run(SORTED_WORDS, `${SHARED}/${place}`)
      expectSortedWords(end, { directory: `${SHARED}/${place}`, seenAt: nodes.bed.sharedPath(place) })
    })
  }
})
