/** Runs programs on several ranks, under the launcher of an MPI. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { onTestFinished } from 'vitest'
import type { Mpi } from './mpi-installations.ts'
import type { Ended, Running } from './program.ts'
import { waitUntil } from './wait-until.ts'

/** Shorter than the deadline of the tests, so that a hang says what was printed until then. */
const DEADLINE_MS = 50_000
/** Marks the launcher and all that comes of it: ranks leave the launcher's process group. */
const MARK = 'MPIBATCH_TEST_RANKS'

/** How a program runs on the ranks. */
export interface RanksOptions {
  /** @defaultValue the directory for temporary files */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Options of the launcher, before the program. */
  readonly launcherArgv?: readonly string[]
  /** What runs on each rank. @defaultValue Node */
  readonly program?: string
  /** How long it may run, milliseconds; then `ended` fails. @defaultValue 50,000 */
  readonly deadlineMs?: number
}

/** A program that runs on several ranks. */
export interface RunningRanks extends Running {
  /** Processes of it that are there: the launcher, its helpers, the ranks and theirs. */
  readonly processIds: () => readonly number[]
}

let startCount = 0

/**
 * Starts a program on `count` ranks; `argv` goes to each rank's Node. Whatever is left of it when the test is over is
 * killed, wherever it went.
 */
export function startRanks(
  mpi: Mpi,
  count: number,
  argv: readonly string[],
  {
    cwd = tmpdir(),
    env,
    launcherArgv = [],
    program = process.execPath,
    deadlineMs = DEADLINE_MS,
  }: RanksOptions = {},
): RunningRanks {
  startCount += 1
  const mark = `${process.pid}.${startCount}`
  const child = spawn(mpi.launcher, [...launcherArgv, '-n', String(count), program, ...argv], {
    cwd,
    env: { ...process.env, ...mpi.env, ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  const processIds = (): readonly number[] => findMarked(`${MARK}=${mark}`)
  const ended = new Promise<Ended>((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Error(`"${argv.join(' ')}" on ${count} ranks did not end. ${texts.stdout}${texts.stderr}`))
    }, deadlineMs)
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      clearTimeout(deadline)
      resolve({ exitCode, signal, ...texts })
    })
  })
  onTestFinished(async () => {
    await waitUntil(
      () => {
        const left = processIds()
        killAll(child, left)
        return left.length === 0
      },
      { describe: () => `These processes can't be killed: ${processIds().join(', ')}` },
    )
    await ended.catch(() => undefined)
  })
  return { child, ended, processIds, stdout: () => texts.stdout, stderr: () => texts.stderr }
}

/** Runs a program on several ranks to its end. */
export function runRanks(
  mpi: Mpi,
  count: number,
  argv: readonly string[],
  options?: RanksOptions,
): Promise<Ended> {
  return startRanks(mpi, count, argv, options).ended
}

/** The values that a program printed as lines of JSON, on whatever rank; its other lines are left out. */
export function jsonLines<T>({ stdout }: Pick<Ended, 'stdout'>): T[] {
  return stdout
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T)
}

function findMarked(entry: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => environmentOf(name).includes(entry))
    .map(Number)
}

function environmentOf(processId: string): readonly string[] {
  try {
    return readFileSync(`/proc/${processId}/environ`, 'utf8').split('\0')
  } catch {
    // It has ended, or is none of ours.
    return []
  }
}

function killAll(child: ChildProcess, processIds: readonly number[]): void {
  for (const processId of processIds) {
    try {
      process.kill(processId, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
  child.kill('SIGKILL')
}
