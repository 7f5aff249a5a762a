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
 * srun set. What a batch job of Slurm inherits outside of srun is no launcher, and neither is a step of one task: that is
 * how a shell on a node is opened (`srun --pty bash`), and one rank needs no MPI.
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
  // Before Slurm: in a job of Slurm's, hydra starts its helpers by srun, and its ranks inherit what that says of the helpers.
  if (environment.MPI_LOCALNRANKS !== undefined || !isStep(environment)) return detectByPmi(environment)
  return detectSlurm(environment)
}

function detectByPmi(environment: NodeJS.ProcessEnv): LauncherFacts | undefined {
  const number = (name: string): number | undefined => toCount(environment[name])
  const { PMI_RANK, PMI_FD, PMI_PORT, PMIX_RANK } = environment
  if (PMI_RANK !== undefined || PMI_FD !== undefined || PMI_PORT !== undefined) {
    // Those who are called by a port are told their rank as an identity.
    const rank = number('PMI_RANK') ?? number('PMI_ID')
    return { name: "MPICH's mpiexec", family: 'mpich', size: number('PMI_SIZE'), rank }
  }
  if (PMIX_RANK === undefined) return undefined
  return { name: 'a PMIx launcher', family: 'openmpi', size: undefined, rank: number('PMIX_RANK') }
}

/** srun sets PMI_… or PMIX_… variables, or none, as its --mpi says; a step has a rank in any case. */
function detectSlurm(environment: NodeJS.ProcessEnv): LauncherFacts | undefined {
  const number = (name: string): number | undefined => toCount(environment[name])
  const { PMIX_RANK, PMI_RANK } = environment
  const size = number('SLURM_STEP_NUM_TASKS') ?? number('SLURM_NTASKS')
  if (size === 1) return undefined
  const family = PMIX_RANK !== undefined ? 'openmpi' : PMI_RANK !== undefined ? 'mpich' : undefined
  return { name: 'Slurm', family, size, rank: number('SLURM_PROCID') }
}

/** Steps that have a rank as well, but that nobody started with srun: scripts of batch jobs, and shells of salloc. */
const STEPS_WITHOUT_SRUN: readonly string[] = ['batch', '4294967291', 'interactive', '4294967290']

function isStep({ SLURM_STEP_ID: step, SLURM_PROCID: rank }: NodeJS.ProcessEnv): boolean {
  return step !== undefined && rank !== undefined && !STEPS_WITHOUT_SRUN.includes(step)
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined
}
