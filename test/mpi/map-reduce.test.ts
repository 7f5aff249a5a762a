/** Maps under a launcher: the examples give what one rank gives, and whatever ends a rank is told with its name. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { jsonLines, runRanks } from '../support/mpirun.ts'
import { PROGRAM, runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAP = join(import.meta.dirname, 'programs/map-reduce.mjs')
const EXAMPLES = join(import.meta.dirname, '../../examples')
const LICENCES = '/usr/share/common-licenses'

interface Integral {
  readonly written: number
  readonly critical: number
  readonly reduced: number
}

describeMpi('the examples of map under a launcher', ['openmpi', 'mpich'], (mpi) => {
  it.skipIf(!existsSync(LICENCES))(
    'count words as one rank does, in a report of the same order',
    async () => {
      const cwd = temporaryDirectory()
      const script = join(EXAMPLES, '06-word-count/count.mjs')
      const alone = await startNode([script, 'alone.txt'], { cwd }).ended
      expect(alone.exitCode, alone.stderr).toBe(0)
      const ranks = await runRanks(mpi, 3, [script, 'ranks.txt'], { cwd })
      expect(ranks.exitCode, ranks.stderr).toBe(0)
      expect(ranks.stdout.replaceAll('\r', '')).toBe(alone.stdout)
      expect(readFileSync(join(cwd, 'ranks.txt'), 'utf8')).toBe(readFileSync(join(cwd, 'alone.txt'), 'utf8'))
    },
  )

  it('sum an integral in three ways that agree, as one rank does', async () => {
    const cwd = temporaryDirectory()
    const script = join(EXAMPLES, '07-integral/integral.mjs')
    const [alone] = jsonLines<Integral>(await startNode([script], { cwd }).ended)
    const ended = await runRanks(mpi, 4, [script], { cwd })
    const [ranks] = jsonLines<Integral>(ended)
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ranks).toMatchObject({ written: alone?.written, reduced: alone?.reduced })
    expect(ranks?.critical).toBeCloseTo(Math.PI, 11)
    expect(ranks?.written).toBeCloseTo(Math.PI, 11)
  })
})

describeMpi('a map whose work throws', ['openmpi', 'mpich'], (mpi) => {
  it('ends the job, and says on which rank, with the stack from there', async () => {
    const ended = await runRanks(mpi, 3, [MAP, 'throw', 'too much'])
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stderr).toMatch(
      /WorkError: The work on item \d failed on rank 1 \(.*RangeError: too much\s+at .*map-reduce\.mjs/s,
    )
  })

  it('is told once by mpibatch run', async () => {
    const ended = await runRanks(mpi, 3, [PROGRAM, 'run', MAP, '--', 'throw', 'too much'])
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stderr).toMatch(/failed on rank 1 \(.*RangeError: too much\s+at .*map-reduce\.mjs/s)
    expect(ended.stderr.match(/RangeError: too much/g)).toHaveLength(1)
  })
})

const ALL = ['openmpi', 'mpich', 'openmpi-5', 'mpich-5'] as const

describeMpi('a map whose rank is killed', ALL, (mpi) => {
  it('ends the job, and its launcher says by what', async () => {
    const ended = await runRanks(mpi, 3, [MAP, 'kill', 'SIGKILL'])
    expect(ended.exitCode).not.toBe(0)
    expect(ended.stdout + ended.stderr).toMatch(mpi.family === 'openmpi' ? /rank 1 .*signal 9/s : /signal 9/)
  })

  it.each(['SIGKILL', 'SIGSEGV'])('is told by --launcher with rank and signal (%s)', async (signal) => {
    const line = ['run', '--launcher', `${mpi.launcher} -n 3`, '--restarts', '0', MAP, '--', 'kill', signal]
    const ended = await runProgram(line, { cwd: temporaryDirectory(), env: mpi.env })
    expect(ended.exitCode).toBe(3)
    expect(ended.stderr).toMatch(new RegExp(`^mpibatch: Rank 1 on \\S+ was ended by ${signal} before`, 'm'))
  })
})
