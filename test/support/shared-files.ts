/** What `test/mpi/programs/shared-files.mjs` has to print, in every runtime. */
import { readdirSync } from 'node:fs'
import { expect } from 'vitest'
import type { Ended } from './program.ts'

export function expectSharedFiles(ended: Ended, { ranks, place }: { ranks: number; place: string }): void {
  expect(ended.exitCode, ended.stderr).toBe(0)
  const names = Array.from({ length: ranks }, (_, rank) => `part-${rank}`)
  const each = {
    read: names.map((_, rank) => `${rank} in round 3`),
    error: {
      code: 'ERR_MPIBATCH_SHARED_FILE',
      message: `Could not sync what rank ${ranks - 1} wrote to ${place}/nothing: there is no such file. Give the path as this machine knows it, and write the file before.`,
    },
    whole: 'whole',
  }
  const lines = ended.stdout.split('\n').filter((line) => line.startsWith('['))
  expect(lines.map((line) => JSON.parse(line))).toEqual([Array(ranks).fill(each)])
  expect(readdirSync(place).sort()).toEqual([...names, 'whole'])
}
