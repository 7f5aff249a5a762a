/** What MPI libraries do to a Node process that no user expects, and what of it is cured. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeMpi, findMpi, type Mpi, type MpiName, overTcp } from '../support/mpi-installations.ts'
import { jsonLines, type RanksOptions, runRanks } from '../support/mpirun.ts'

const PROGRAM = join(import.meta.dirname, 'programs/inside-node.mjs')
const ALL: readonly MpiName[] = ['openmpi', 'mpich', 'openmpi-5', 'mpich-5', 'standard']

/** Ranks that don't see each other's processes can't share memory, as in containers. */
const UNSHARE = ['--pid', '--fork', '--mount-proc']
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0

if (!canUnshare && process.env.MPIBATCH_REQUIRE_MPI === '1') {
  throw new Error('MPIBATCH_REQUIRE_MPI=1, but "unshare --pid" is refused here: it needs root.')
}

/** What a check found on each of two ranks that can't share memory. */
async function checkApart(mpi: Mpi, name: string): Promise<unknown[]> {
  const argv = [...UNSHARE, process.execPath, PROGRAM, name]
  const ended = await runRanks(mpi, 2, argv, { program: 'unshare', env: overTcp(mpi) })
  // Not the exit code: MPICH's launcher takes that of "unshare", and kills it now and then as it ends.
  const lines = jsonLines<{ rank: number; found: unknown }>(ended)
  return lines.toSorted((one, other) => one.rank - other.rank).map(({ found }) => found)
}

/** What a check of the program found on each rank. */
async function check(mpi: Mpi, name: string, options?: RanksOptions): Promise<unknown[]> {
  const ended = await runRanks(mpi, 2, [PROGRAM, name], options)
  expect(ended.exitCode, ended.stderr + ended.stdout).toBe(0)
  return jsonLines<{ found: unknown }>(ended).map(({ found }) => found)
}

describeMpi('a rank', ALL, (mpi) => {
  it('starts children that inherit no descriptor of MPI', async () => {
    expect(await check(mpi, 'descriptors')).toEqual([[], []])
    expect(await check(mpi, 'descriptors', { env: overTcp(mpi) })).toEqual([[], []])
  })

  it('throws when WebAssembly reads out of bounds, and is not ended', async () => {
    expect(await check(mpi, 'webAssembly')).toEqual(['RuntimeError', 'RuntimeError'])
  })

  it('runs the C library as it is: nothing hooks into its memory functions, which V8 uses', async () => {
    expect(await check(mpi, 'codeOfLibc')).toEqual([0, 0])
  })
})

describeMpi('a rank', ['openmpi', 'mpich'], (mpi) => {
  it('starts children while messages go', async () => {
    expect(await check(mpi, 'children')).toEqual([20, 20])
  })

  it('gets windows that are zero, wherever they lie', async () => {
    expect(await check(mpi, 'freshWindow')).toEqual([0, 0])
  })

  it('finds the words of a closed window gone, and lives on', async () => {
    const gone = { length: 0, word: 'none', late: 'ERR_MPIBATCH_CLOSED' }
    expect(await check(mpi, 'closedWindow')).toEqual([gone, gone])
  })

  it('sends a message of 130 MiB in parts, and the next one behind it', async () => {
    const whole = [0, 1, 2, 3, 4, 'next']
    expect(await check(mpi, 'longMessage')).toEqual([whole, whole])
  })

  describe.skipIf(!canUnshare)('that shares no memory with another', () => {
    it('works on 80 MB of its words at once', async () => {
      expect(await checkApart(mpi, 'longWindow')).toEqual([
        { isServed: true, found: ['next'] },
        { isServed: true, found: [2, 4, 6] },
      ])
    })

    it('serves a window also when nothing of its own holds it', async () => {
      const found = { isServed: true, word: 2 }
      expect(await checkApart(mpi, 'forgottenWindow')).toEqual([found, found])
    })

    // MPICH, told to use TCP, counts each rank as a node.
    it.skipIf(mpi.family !== 'openmpi')('gets no batch, but a sentence with what to do', async () => {
      const message = expect.stringMatching(/containers .*-j N/)
      const refused = { code: 'ERR_MPIBATCH_CONFIG_INVALID', message }
      expect(await checkApart(mpi, 'batchApart')).toEqual([refused, refused])
    })

    it('takes no memory of its own for the other’s', async () => {
      const found = { isServed: true, word: 2 }
      expect(await checkApart(mpi, 'ownMemory')).toEqual([found, found])
    })
  })

  it('gets no MPI under the launcher of the other family, where each rank would be alone', async () => {
    const other = findMpi(mpi.name === 'openmpi' ? 'mpich' : 'openmpi')
    if (typeof other === 'string') throw new Error(other)
    const [own] = (await check(mpi, 'facts')) as [{ library: string }]
    const ended = await runRanks(other, 2, [PROGRAM, 'facts'], { env: { MPIBATCH_LIBMPI: own.library } })
    expect(ended.exitCode, ended.stdout).not.toBe(0)
    expect(ended.stdout).toBe('')
    expect(ended.stderr).toMatch(/says that this job has 2 ranks, but .* finds 1: .*MPIBATCH_LIBMPI/)
    expect(ended.stderr).toContain(own.library)
  })

  it('says in one sentence that there is no MPI library', async () => {
    const ended = await runRanks(mpi, 1, [PROGRAM, 'facts'], {
      env: { MPIBATCH_LIBMPI: '/nowhere/libmpi.so' },
    })
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stderr).toMatch(/No MPI library could be opened\. .*openmpi-bin or mpich.*MPIBATCH_LIBMPI/)
    expect(ended.stderr).toContain('/nowhere/libmpi.so: cannot open')
  })

  it('says in one sentence that a file is no MPI library', async () => {
    const ended = await runRanks(mpi, 1, [PROGRAM, 'facts'], { env: { MPIBATCH_LIBMPI: 'libm.so.6' } })
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stderr).toMatch(/libm\.so\.6: it has no MPI_Init_thread/)
  })
})
