/** Which MPI launcher started this process, by what it says in the environment (pure). */

/** A family of MPI libraries that work under the same launchers. */
export type LauncherFamily = 'openmpi' | 'mpich'

/** What a launcher says to its processes. */
export interface LauncherFacts {
  /** For people: "Open MPI's mpirun", "Slurm". */
  readonly name: string
  /** The libraries that can work under it; `undefined` where both might. */
  readonly family: LauncherFamily | undefined
  /** Number of ranks, where it says so. */
  readonly size: number | undefined
  /** Rank of this process, where it says so. */
  readonly rank: number | undefined
}

/**
 * Finds out whether an MPI launcher started this process.
 *
 * The variables are those that Open MPI's and PRRTE's mpirun, MPICH's hydra (and its relatives, by PMI) and Slurm's
 * srun set. What a batch job of Slurm inherits outside of srun is no launcher.
 *
 * @returns `undefined` if none did.
 */
export function detectLauncher(environment: NodeJS.ProcessEnv): LauncherFacts | undefined {
  const number = (name: string): number | undefined => toCount(environment[name])
  if (environment.OMPI_COMM_WORLD_SIZE !== undefined) {
    return {
      name: "Open MPI's mpirun",
      family: 'openmpi',
      size: number('OMPI_COMM_WORLD_SIZE'),
      rank: number('OMPI_COMM_WORLD_RANK'),
    }
  }
  // srun sets PMI_… or PMIX_… variables, or none, as its --mpi says; a step has a rank in any case.
  if (environment.SLURM_STEP_ID !== undefined && environment.SLURM_PROCID !== undefined) {
    if (isBatchStep(environment)) return undefined
    return {
      name: 'Slurm',
      family:
        environment.PMIX_RANK !== undefined
          ? 'openmpi'
          : environment.PMI_RANK !== undefined
            ? 'mpich'
            : undefined,
      size: number('SLURM_STEP_NUM_TASKS') ?? number('SLURM_NTASKS'),
      rank: number('SLURM_PROCID'),
    }
  }
  if (
    environment.PMI_RANK !== undefined ||
    environment.PMI_FD !== undefined ||
    environment.PMI_PORT !== undefined
  ) {
    return { name: "MPICH's mpiexec", family: 'mpich', size: number('PMI_SIZE'), rank: number('PMI_RANK') }
  }
  if (environment.PMIX_RANK !== undefined) {
    return { name: 'a PMIx launcher', family: 'openmpi', size: undefined, rank: number('PMIX_RANK') }
  }
  return undefined
}

/** The script of a batch job is step "batch", and has a rank as well; nobody started it with srun. */
function isBatchStep({ SLURM_STEP_ID: step }: NodeJS.ProcessEnv): boolean {
  return step === 'batch' || step === '4294967291'
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined
}
