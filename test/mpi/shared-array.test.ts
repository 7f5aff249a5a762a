/** What shared arrays are under MPI beside the contract: read-only, one copy, as large as memory, and gone at the end. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeMpi, type Mpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks, startRanks } from '../support/mpirun.ts'
import { type Ended, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const PROGRAM = join(import.meta.dirname, 'programs/shared-array.mjs')
const EXAMPLE = join(import.meta.dirname, '../../examples/05-shared-array/heat.mjs')
const GIGABYTE = 1e9
/** What the checks of large arrays need, with room for others. */
const canHoldGigabyte = freemem() > 3 * GIGABYTE
const canHoldLarge = freemem() > 10 * GIGABYTE
const LARGE_DEADLINE_MS = 170_000
/** A memory disk of its own, which other programs of this machine don't change meanwhile. */
const OWN_MEMORY_DISK = `
  mount -t tmpfs none /dev/shm || exit 99
  "$@"
  code=$?
  echo "left in /dev/shm: [$(ls -A /dev/shm)]"
  exit $code`
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0

if (!canMount && process.env.MPIBATCH_REQUIRE_MPI === '1') {
  throw new Error('MPIBATCH_REQUIRE_MPI=1, but "unshare --mount" is refused here: it needs root.')
}

interface Line<T> {
  readonly rank: number
  readonly found?: T
}

interface Ready {
  readonly rank: number
  readonly processId: number
  /** Number of the file that the array is. */
  readonly file: number
}

/** What a check of the program found on each rank. */
async function check<T>(mpi: Mpi, count: number, argv: readonly string[], deadlineMs?: number): Promise<T[]> {
  const options = deadlineMs === undefined ? {} : { deadlineMs }
  const ended = await runRanks(mpi, count, [PROGRAM, ...argv], options)
  expect(ended.exitCode, ended.stderr + ended.stdout).toBe(0)
  return jsonLines<Line<T>>(ended).flatMap(({ found }) => (found === undefined ? [] : [found]))
}

/** The same MPI, whose launcher runs with a memory disk of its own and says what is left there. */
function onOwnMemoryDisk(mpi: Mpi): { readonly mpi: Mpi; readonly launcherArgv: readonly string[] } {
  const launcherArgv = ['--mount', 'sh', '-c', OWN_MEMORY_DISK, 'sh', mpi.launcher]
  return { mpi: { ...mpi, launcher: 'unshare' }, launcherArgv }
}

/** Processes that have a file mapped, or open. */
function holdersOf(file: number): readonly string[] {
  const marks = new RegExp(` ${file} +/memfd:mpibatch`)
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return marks.test(readFileSync(`/proc/${name}/maps`, 'utf8'))
    } catch {
      // It has ended, or is none of ours.
      return false
    }
  })
}

describeMpi('a shared array', ['openmpi', 'mpich'], (mpi) => {
  it('warms the plate of the example to the degrees that one rank finds', async () => {
    const directory = temporaryDirectory()
    const alone = await startNode([EXAMPLE, 'alone.csv'], { cwd: directory }).ended
    expect(alone.exitCode, alone.stderr).toBe(0)
    const ranks = await runRanks(mpi, 3, [EXAMPLE, 'ranks.csv'], { cwd: directory })
    expect(ranks.exitCode, ranks.stderr).toBe(0)
    expect(ranks.stdout.replaceAll('\r', '')).toBe(alone.stdout)
    const [one, other] = ['alone.csv', 'ranks.csv'].map((name) => readFileSync(join(directory, name), 'utf8'))
    expect(other).toBe(one)
  })

  it.each(['assignment', 'fill'])('ends a rank that writes to it by %s, and says so', async (method) => {
    const ended = await runRanks(mpi, 2, [PROGRAM, 'strayWrite', method])
    expect(ended.exitCode, ended.stdout).not.toBe(0)
    expect(ended.stdout).not.toContain('written')
    // The launcher says the signal.
    expect(ended.stdout + ended.stderr).toMatch(/signal 11/)
    expect(ended.stderr).toContain(
      "mpibatch: rank 1 wrote to the values of a SharedArray, which are only to be read, and ends by SIGSEGV. Use set() or assign(), or make the array with access: 'direct'.\n",
    )
    expect(ended.stderr).not.toContain('rank 0 wrote')
  })

  it('leaves WebAssembly the signal by which it finds accesses out of bounds', async () => {
    const names = ['RuntimeError', 'RuntimeError', 'RuntimeError']
    expect(await check(mpi, 2, ['webAssembly'])).toEqual([names, names])
  })

  it.skipIf(!canHoldGigabyte)('of 1 GB that four ranks read is in memory once', async () => {
    const found = await check<{ sum: number; proportionalBytes: number; bytesLeft: number }>(mpi, 4, [
      'oneCopy',
    ])
    expect(found).toHaveLength(4)
    const bytes = found.reduce((sum, { proportionalBytes }) => sum + proportionalBytes, 0)
    process.stdout.write(`${mpi.name}: 1 GB seen by four ranks costs ${(bytes / GIGABYTE).toFixed(3)} GB\n`)
    expect(bytes).toBeGreaterThan(0.95 * GIGABYTE)
    expect(bytes).toBeLessThan(1.05 * GIGABYTE)
    for (const { sum, bytesLeft } of found) {
      expect(sum).toBe(1.5 * Math.ceil(GIGABYTE / 8 / 512))
      expect(bytesLeft).toBe(0)
    }
  })

  it.skipIf(!canHoldLarge)(
    'of more than 2^31 elements is set as a whole, in two copies',
    async () => {
      const whole = { isWhole: true, last: 2 }
      expect(await check(mpi, 3, ['large'], LARGE_DEADLINE_MS)).toEqual([whole, whole, whole])
    },
    LARGE_DEADLINE_MS + 10_000,
  )

  describe.skipIf(!canMount)('leaves nothing in the memory disk, and no memory taken,', () => {
    it.each([
      ['it is closed', 'close', 0],
      ['it is forgotten at the end', 'forget', 0],
      ['a rank throws', 'throw', 'not 0'],
      ['a rank exits', 'exit', 'not 0'],
    ])('when %s', async (_, how, code) => {
      const { mpi: own, launcherArgv } = onOwnMemoryDisk(mpi)
      await expectNothingLeft(await runRanks(own, 3, [PROGRAM, 'end', how], { launcherArgv }), code)
    })

    it.each(['SIGTERM', 'SIGKILL'] as const)('when all ranks get %s', async (signal) => {
      const { mpi: own, launcherArgv } = onOwnMemoryDisk(mpi)
      const running = startRanks(own, 3, [PROGRAM, 'end', 'wait'], { launcherArgv })
      const ready = await waitUntil(
        () => {
          const lines = jsonLines<Ready>({ stdout: running.stdout() })
          return lines.length === 3 && lines
        },
        { describe: () => running.stdout() + running.stderr() },
      )
      expect(holdersOf(ready[0]?.file ?? Number.NaN)).toHaveLength(3)
      for (const { processId } of ready) process.kill(processId, signal)
      await expectNothingLeft(await running.ended, 'not 0')
    })
  })
})

async function expectNothingLeft(ended: Ended, code: number | string): Promise<void> {
  const output = ended.stderr + ended.stdout
  if (code === 0) expect(ended.exitCode, output).toBe(0)
  else expect(ended.exitCode, output).not.toBe(0)
  expect(ended.stdout).toContain('left in /dev/shm: []')
  const files = new Set(jsonLines<Partial<Ready>>(ended).flatMap(({ file }) => file ?? []))
  expect(files.size, output).toBe(1)
  // MPICH's launcher does not wait for ranks that it has killed; the system may still be giving back what they had.
  for (const file of files) {
    await waitUntil(() => holdersOf(file).length === 0, {
      describe: () => `held by ${holdersOf(file).join(', ')}: ${output}`,
    })
  }
}
