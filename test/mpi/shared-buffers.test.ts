/** Shared buffers between ranks: one copy in memory, and nothing left, however the ranks end. */
import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { gone } from '../support/buffer-holders.ts'
import { describeMpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks, startRanks } from '../support/mpirun.ts'
import { startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const PROGRAM = join(import.meta.dirname, 'programs/shared-buffers.mjs')
const EXAMPLE = join(import.meta.dirname, '../../examples/08-shared-buffers/passages.mjs')
const GB = 1e9
/** What the test needs, with the array from which the buffer is made. */
const NO_ROOM = freeBytes() < 3 * GB ? 'there is less than 3 GB of room in /dev/shm' : ''

if (NO_ROOM !== '') process.stderr.write(`A test with a shared buffer of 1 GB is skipped: ${NO_ROOM}.\n`)

function freeBytes(): number {
  const { bavail, bsize } = statfsSync('/dev/shm')
  return bavail * bsize
}

interface Found<T> {
  readonly rank: number
  readonly found: T
}

describeMpi('shared buffers between ranks', ['openmpi', 'mpich'], (mpi) => {
  it.skipIf(NO_ROOM !== '')('take 1 GB of memory for 1 GB that four ranks map', async () => {
    const directory = temporaryDirectory('/dev/shm')
    const ended = await runRanks(mpi, 4, [PROGRAM, 'share', directory, String(GB / 8)])
    expect(ended.exitCode, ended.stderr).toBe(0)
    const all = jsonLines<Found<{ isWhole: boolean; mappings: number; proportionalBytes: number }>>(ended)
    expect(all).toHaveLength(4)
    for (const { found } of all) {
      expect(found).toMatchObject({ isWhole: true, mappings: 4 })
      expect(found.proportionalBytes).toBeGreaterThan(0.99 * GB)
      expect(found.proportionalBytes).toBeLessThan(1.05 * GB)
    }
    process.stdout.write(
      `Four ranks (${mpi.name}) have mapped 1 GB in ${((all[0]?.found.proportionalBytes ?? 0) / GB).toFixed(3)} GB of memory.\n`,
    )
    await gone(directory)
  })

  it('are passed on by references that ranks exchange', async () => {
    const directory = temporaryDirectory('/dev/shm')
    const ended = await runRanks(mpi, 3, [PROGRAM, 'pass', directory])
    expect(ended.exitCode, ended.stderr).toBe(0)
    const found = { sums: [1000, 2000, 3000], again: 1, shape: [10, 100] }
    expect(jsonLines<Found<unknown>>(ended).map((line) => line.found)).toEqual([found, found, found])
    await gone(directory)
  })

  it.skipIf(!existsSync('/usr/share/common-licenses'))('find the passages that one rank finds', async () => {
    const alone = await startNode([EXAMPLE], { cwd: tmpdir() }).ended
    const ended = await runRanks(mpi, 3, [EXAMPLE])
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(alone.stdout).toContain(' words of ')
    // Open MPI gives a terminal to print to.
    expect(ended.stdout.replaceAll('\r', '')).toBe(alone.stdout)
  })

  it.each(['end', 'throw'])('leave nothing in memory when the ranks %s', async (how) => {
    const directory = temporaryDirectory('/dev/shm')
    const { exitCode, stderr } = await runRanks(mpi, 3, [PROGRAM, 'hold', directory, how])
    expect(exitCode === 0, stderr).toBe(how === 'end')
    await gone(directory)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leave nothing in memory when all ranks get %s',
    async (signal) => {
      const directory = temporaryDirectory('/dev/shm')
      const ranks = startRanks(mpi, 3, [PROGRAM, 'hold', directory, 'wait'])
      await waitUntil(() => jsonLines({ stdout: ranks.stdout() }).length === 3, { describe: ranks.stderr })
      for (const { found } of jsonLines<Found<{ pid: number }>>({ stdout: ranks.stdout() })) {
        process.kill(found.pid, signal)
      }
      expect((await ranks.ended).exitCode).not.toBe(0)
      await gone(directory)
    },
  )
})
