/** What is wrong with a job, as sentences for people (pure). */
import { MpiError } from '@mpibatch/batch-core'
import type { LauncherFacts } from './launcher.ts'
import type { NativeEvent, NativeFacts } from './native.ts'

/**
 * The error for what the MPI thread reports as failed.
 *
 * @param rank - Of this process, as far as it is known: MPI itself, or the launcher, has said it.
 */
export function failureOf(
  [, call, errorClass, text]: Extract<NativeEvent, readonly ['failed', ...unknown[]]>,
  rank: number | undefined,
): MpiError {
  if (call === 'dlopen') {
    return new MpiError(
      `No MPI library could be opened. Install one (Debian: openmpi-bin or mpich), or name it in MPIBATCH_LIBMPI. Tried:\n${text.trimEnd()}`,
    )
  }
  const where = rank === undefined ? '' : ` on rank ${rank}`
  const what = call === '' ? text : `${call} failed${where}: ${text}`
  return new MpiError(what, { details: { call, errorClass, ...(rank === undefined ? {} : { rank }) } })
}

/**
 * The error of a library that does not belong to the launcher: both families silently make each process a job of its
 * own under the other's launcher, and all would run all tasks.
 *
 * @returns `undefined` if they fit. Where the launcher says no number of ranks, rank 0 can't tell, and the others end it.
 */
export function findMismatch(facts: NativeFacts, launcher: LauncherFacts | undefined): MpiError | undefined {
  if (launcher === undefined) return undefined
  const { name, size, rank } = launcher
  const details = { launcher: name, library: facts.path }
  const advice =
    "the library and the launcher don't belong together. Name the library that belongs to the launcher in MPIBATCH_LIBMPI, " +
    'or use the other launcher; with srun, try --mpi=pmix for Open MPI and --mpi=pmi2 for MPICH.'
  const library = `${facts.version} (${facts.path})`
  if (size === undefined) {
    if (rank === undefined || rank === facts.rank) return undefined
    return new MpiError(
      `${name} says that this is rank ${rank}, but ${library} finds rank ${facts.rank}: ${advice}`,
      {
        details: { ...details, launchedRank: rank, found: facts.rank },
      },
    )
  }
  if (size === facts.size) return undefined
  return new MpiError(
    `${name} says that this job has ${size} ranks, but ${library} finds ${facts.size}: ${advice}`,
    { details: { ...details, launched: size, found: facts.size } },
  )
}
