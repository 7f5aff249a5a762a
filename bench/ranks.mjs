/** Runs programs on several ranks: ours and pshmem's under the same mpirun, or ours on threads. */
import { join } from 'node:path'
import { PROGRAMS, PSHMEM } from './peers/peers.mjs'
import { jsonLine, MPIBATCH, runToEnd } from './run.mjs'

const LIBRARY = join(PSHMEM, 'lib/libmpi.so.40')

/** Root may start ranks, there may be more of them than processors, and pshmem's ranks leave the processor when they wait. */
const ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_mpi_yield_when_idle: '1',
  MPIBATCH_LIBMPI: LIBRARY,
}

/** Folder of our programs. */
export const OURS = join(import.meta.dirname, 'programs')

/** Words that start one of our programs, and one of pshmem's, on a rank. */
export const ourProgram = (name) => [process.execPath, join(OURS, name)]
export const pshmemProgram = (name) => [join(PSHMEM, 'bin/python'), join(PROGRAMS, name)]

/** Runs a program on ranks that are processes, to its end. @returns The line of JSON that it printed. */
export function onRanks(ranks, words, { env = {}, timeoutMs } = {}) {
  const launcher = [join(PSHMEM, 'bin/mpirun'), '--oversubscribe', '--bind-to', 'none', '-n', String(ranks)]
  return jsonLine(runToEnd([...launcher, ...words], { env: { ...ENVIRONMENT, ...env }, timeoutMs }))
}

/** Runs one of our programs on ranks that are threads, to its end. @returns The line of JSON that it printed. */
export function onThreads(ranks, name, argv, options) {
  return jsonLine(
    runToEnd([...MPIBATCH, 'run', '-j', String(ranks), join(OURS, name), '--', ...argv], options),
  )
}

/** Makes a way to measure what needs pshmem's MPI: `missing` where that is not here. */
export function mpiWay(peers, way) {
  const { missing } = peers.pshmem
  if (missing === undefined) return way
  const { run: _, ...rest } = way
  return { ...rest, missing }
}
