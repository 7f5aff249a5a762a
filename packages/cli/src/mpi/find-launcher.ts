import type { LauncherFacts } from '@mpibatch/native-mpi'
import { LAUNCHER_MARKS } from '../command/task-environment.ts'

/** Set in every step of Slurm's srun, also where it starts no MPI. */
const STEP_MARK = 'SLURM_STEP_ID'

/**
 * Finds out whether an MPI launcher started this process. Code for MPI is loaded only where something speaks for it.
 *
 * @returns `undefined` if none did.
 */
export async function findLauncher(): Promise<LauncherFacts | undefined> {
  const marks = [...LAUNCHER_MARKS, STEP_MARK]
  if (marks.every((name) => process.env[name] === undefined)) return undefined
  const { detectLauncher } = await import('@mpibatch/native-mpi')
  return detectLauncher(process.env)
}
