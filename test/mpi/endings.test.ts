/** However a rank ends, the others do not wait for it for ever, nor does the launcher call it a success. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi, type Mpi, type MpiName, overTcp } from '../support/mpi-installations.ts'
import { jsonLines, type RanksOptions, runRanks, startRanks } from '../support/mpirun.ts'
import type { Ended } from '../support/program.ts'
import { waitUntil } from '../support/wait-until.ts'

const PROGRAM = join(import.meta.dirname, 'programs/endings.mjs')
const ALL: readonly MpiName[] = ['openmpi', 'mpich', 'openmpi-5', 'mpich-5', 'standard']
/** What a rank prints before its end. */
const TEXT = `${`${'x'.repeat(99)}\n`.repeat(10_000)}the last line\n`

interface Ready {
  readonly rank: number
  readonly processId: number
}

/** Runs one of the program's endings; shows that nothing of it is left. */
async function end(mpi: Mpi, name: string, options?: RanksOptions): Promise<Ended> {
  const running = startRanks(mpi, 3, [PROGRAM, name], options)
  const ended = await running.ended
  await waitUntil(() => running.processIds().length === 0, {
    describe: () => `These run on: ${running.processIds().join(', ')}`,
  })
  return ended
}

/** Starts ranks that wait, and sends one of them a signal when all are there. */
async function endBySignal(mpi: Mpi, signal: NodeJS.Signals): Promise<{ ended: Ended; tookMs: number }> {
  const running = startRanks(mpi, 3, [PROGRAM, 'wait'])
  const ready = await waitUntil(
    () => {
      const lines = jsonLines<Ready>({ stdout: running.stdout() })
      return lines.length === 3 && lines
    },
    { describe: () => running.stdout() + running.stderr() },
  )
  const start = performance.now()
  process.kill(ready.find(({ rank }) => rank === 1)?.processId ?? Number.NaN, signal)
  const ended = await running.ended
  return { ended, tookMs: performance.now() - start }
}

describeMpi('a job', ALL, (mpi) => {
  it('ends with the exit code of rank 0, and nothing is left', async () => {
    expect((await end(mpi, 'late')).exitCode).toBe(0)
    expect((await end(mpi, 'code')).exitCode).toBe(7)
  })

  it('fails when a rank leaves it with exit code 0', async () => {
    const { exitCode, stderr } = await end(mpi, 'exit')
    expect(exitCode, stderr).not.toBe(0)
    expect(stderr).toContain('rank 2: This rank ended before the job was over')
  })

  it('fails when a rank has nothing more to do, but has not closed the job', async () => {
    const { exitCode, stderr } = await end(mpi, 'drain')
    expect(exitCode, stderr).not.toBe(0)
    expect(stderr).toContain('rank 2: This rank ended before the job was over')
  })

  it('fails when a rank throws, and says what and where', async () => {
    const { exitCode, stderr } = await end(mpi, 'throw')
    expect(exitCode, stderr).not.toBe(0)
    expect(stderr).toMatch(/rank 2: Error: this rank has had enough\s+at .*endings\.mjs/)
  })

  it('ends when a rank aborts it', async () => {
    expect((await end(mpi, 'abort')).exitCode).not.toBe(0)
  })

  it('ends within 5 s when a rank is killed, not well, and says so', async () => {
    const { ended, tookMs } = await endBySignal(mpi, 'SIGKILL')
    expect(ended.exitCode, ended.stderr).not.toBe(0)
    expect(ended.stdout + ended.stderr).toMatch(/signal 9|Killed|KILLED/)
    expect(tookMs).toBeLessThan(5000)
  })

  it('hears SIGTERM on a rank that waits for a message', async () => {
    const { ended, tookMs } = await endBySignal(mpi, 'SIGTERM')
    expect(ended.stderr).toContain('rank 1 was asked to end')
    expect(ended.exitCode).not.toBe(0)
    expect(tookMs).toBeLessThan(5000)
  })

  it('prints a megabyte before its end, and all of it arrives', async () => {
    const { exitCode, stdout } = await end(mpi, 'print')
    // Lines of other ranks may stand in the middle of one.
    const text = stdout.replaceAll('\r', '').replaceAll(/\{[^}]*\}\n/g, '')
    expect(text.length).toBe(TEXT.length)
    expect(text === TEXT).toBe(true)
    expect(exitCode).toBe(0)
  })
})

describeMpi('a job that is not to be ended for a rank that fails', ['openmpi', 'openmpi-5'], (mpi) => {
  const launcherArgv =
    mpi.name === 'openmpi'
      ? ['--mca', 'orte_abort_on_non_zero_status', '0']
      : ['--prtemca', 'prte_abort_on_non_zero_status', '0']

  it.each(['throw', 'exit', 'drain'])('ends all the same (%s)', async (name) => {
    const { exitCode, stderr } = await end(mpi, name, { launcherArgv })
    expect(exitCode, stderr).not.toBe(0)
    expect(stderr).toContain('mpibatch: rank 2:')
  })
})

/** Runs a program as npx does: as a child of a child that the launcher does not know. */
const BEHIND = `
  const { spawnSync } = require('node:child_process')
  const line = [process.execPath, ...process.argv.slice(1)].join(' ') + '; exit $?'
  process.exit(spawnSync('sh', ['-c', line], { stdio: 'inherit' }).status)`

describeMpi('a job between nodes, behind a program such as npx', ['mpich', 'mpich-5', 'standard'], (mpi) => {
  it.each([
    ['late', 0],
    ['code', 7],
  ])('ends with the exit code of rank 0, and the launcher kills nothing (%s)', async (name, code) => {
    const env = overTcp(mpi)
    for (let round = 0; round < 2; round += 1) {
      const { exitCode, stderr } = await runRanks(mpi, 3, ['-e', BEHIND, PROGRAM, name], { env })
      expect(exitCode, `round ${round}: ${stderr}`).toBe(code)
    }
  })
})

describeMpi('many short jobs', ['openmpi', 'mpich'], (mpi) => {
  it('all come to their end', async () => {
    for (let round = 0; round < 10; round += 1) {
      const ended = await runRanks(mpi, 2, [PROGRAM, 'print'])
      expect(ended.exitCode, `round ${round}: ${ended.stderr}`).toBe(0)
    }
  })
})
