/** Starts programs of pshmem, for the tests beside this file. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, type Running, startChild } from '../support/program.ts'

const BIN = join(import.meta.dirname, '.venv/bin')
const READY = join(import.meta.dirname, '.venv/ready')
const FIXTURES = join(import.meta.dirname, 'fixtures')

/** Root may start ranks, there may be more of them than processors, and a rank that waits leaves the processor. */
const MPI_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_mpi_yield_when_idle: '1',
}

/** Whether pshmem is here; `prepare.mjs` says why not. */
export const hasPshmem = existsSync(READY)

/** What a job of pshmem is told; see `fixtures/job.py`. */
export interface Job {
  readonly root: string
  readonly names: readonly string[]
  readonly evidence: string
  readonly limit?: number
  readonly failing?: readonly string[]
  readonly work_ms?: number
  readonly gate?: string
  readonly kill?: boolean
  readonly ignore?: readonly ('running' | 'failed' | 'done')[]
}

/** Starts a Python program under mpirun. */
export function startPython(
  argv: readonly string[],
  { ranks, cwd }: { readonly ranks: number; readonly cwd: string },
): Running {
  const mpirun = ['--oversubscribe', '--bind-to', 'none', '-n', String(ranks)]
  return startChild(join(BIN, 'mpirun'), [...mpirun, join(BIN, 'python'), ...argv], {
    cwd,
    env: MPI_ENVIRONMENT,
  })
}

/** Starts a job of pshmem under mpirun. */
export function startJob(job: Job, place: { ranks: number; cwd: string }): Running {
  return startPython([join(FIXTURES, 'job.py'), JSON.stringify(job)], place)
}

/** Runs a job of pshmem to its end. @returns What it saw of each task at last. */
export async function runJob(job: Job, place: { ranks: number; cwd: string }): Promise<Seen> {
  return statesSeen(await startJob(job, place).ended)
}

/** State of each task by name, as pshmem sees it. */
export type Seen = Readonly<Record<string, string>>

/** What a job that has ended well saw at last. */
export function statesSeen({ exitCode, stdout, stderr }: Ended): Seen {
  if (exitCode !== 0) throw new Error(`pshmem ended with ${exitCode}: ${stderr}${stdout}`)
  return JSON.parse(stdout) as Seen
}

/** What the reader found. */
export interface Reading {
  /** State files read. */
  readonly looks: number
  /** Texts that were not exactly one word that pshmem understands, and a newline. */
  readonly faults: readonly string[]
  /** Tasks seen. */
  readonly tasks: number
}

/** Starts to read all state files of a root over and over. @returns A function that ends it. */
export function startReader(root: string, { cwd }: { cwd: string }): () => Promise<Reading> {
  const argv = [join(FIXTURES, 'reader.py'), root]
  const reader = startChild(join(BIN, 'python'), argv, { cwd, holdsInput: true })
  return async () => {
    reader.child.stdin?.end()
    const { exitCode, stdout, stderr } = await reader.ended
    if (exitCode !== 0) throw new Error(`The reader ended with ${exitCode}: ${stderr}`)
    return JSON.parse(stdout) as Reading
  }
}

/** A line of the evidence: a start or an end of a task, by us or by pshmem. */
export interface Trace {
  readonly what: 'start' | 'end'
  readonly by: 'mpibatch' | 'pshmem'
  readonly name: string
}

/** Reads the evidence. */
export function readEvidence(path: string): readonly Trace[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const [what, by, name] = line.split(' ')
    return { what, by, name } as Trace
  })
}
