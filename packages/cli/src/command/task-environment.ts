/** What a command learns of its task through `MPIBATCH_…` variables. */
export interface TaskEnvironmentFacts {
  readonly task: {
    readonly name: string
    /** From 0. */
    readonly index: number
    /** The task's directory; its variable is left out without one. */
    readonly directory?: string
    /** From 1. */
    readonly attempt: number
    /** The fencing number of the claim. */
    readonly claim: number
  }
  /** The task root; its variable is left out without one. */
  readonly root?: string
  /** Identifies the running batch. */
  readonly instance: string
  /** The worker group, from 0. */
  readonly group: number
  /** Rank within the group. @defaultValue 0 */
  readonly groupRank?: number
  /** Ranks of the group. @defaultValue 1 */
  readonly groupSize?: number
  /** What the user adds; it may replace anything inherited, but says nothing about the task. */
  readonly extra?: Readonly<Record<string, string>>
}

/**
 * Builds the environment of a task's command (pure).
 *
 * @param base - What is inherited: `process.env` as {@link withoutLauncherVariables} leaves it, which is done once for
 *   all tasks.
 */
export function taskEnvironment(
  base: Readonly<Record<string, string>>,
  facts: TaskEnvironmentFacts,
): Record<string, string> {
  const { task, root, instance, group, groupRank = 0, groupSize = 1, extra = {} } = facts
  const environment: Record<string, string> = {
    ...base,
    ...extra,
    MPIBATCH_TASK: task.name,
    MPIBATCH_TASK_INDEX: String(task.index),
    MPIBATCH_ATTEMPT: String(task.attempt),
    MPIBATCH_CLAIM: String(task.claim),
    MPIBATCH_INSTANCE: instance,
    MPIBATCH_GROUP: String(group),
    MPIBATCH_GROUP_RANK: String(groupRank),
    MPIBATCH_GROUP_SIZE: String(groupSize),
  }
  // An outer batch's variables must not pass for ours, where ours has none to put in their place.
  if (task.directory === undefined) delete environment.MPIBATCH_TASK_DIR
  else environment.MPIBATCH_TASK_DIR = task.directory
  if (root === undefined) delete environment.MPIBATCH_ROOT
  else environment.MPIBATCH_ROOT = root
  // It marks what belongs to a start of the ranks, and ends with that.
  if (environment.MPIBATCH_SUPERVISOR !== undefined) delete environment.MPIBATCH_SUPERVISOR
  return environment
}

/** Set by a launcher in every process that it starts (Open MPI, PMIx, MPICH and its relatives). */
export const LAUNCHER_MARKS: readonly string[] = [
  'OMPI_COMM_WORLD_SIZE',
  'PMIX_RANK',
  'PMI_RANK',
  'PMI_FD',
  'PMI_PORT',
]
/** What launchers say to their processes. Modules of sites set MPI_HOME and the like, which tasks need. */
const LAUNCHER_VARIABLE =
  /^(?:OMPI_|PMIX_|PMI_|PMI2_|PRTE_|HYD|ORTE|OPAL|MPI_LOCAL|MPIR_CVAR_CH3_INTERFACE_HOSTNAME$)/
/** A user's own settings, which no launcher sets; a task that starts MPI programs needs them as well. */
const USER_VARIABLE = /^(?:OMPI|PRTE)_ALLOW_RUN_AS_ROOT/
/** A step of Slurm's srun says this; a task that calls mpirun or srun is in the job, but in none of its steps. */
const STEP_VARIABLE =
  /^SLURM_(?:STEP|STEPID$|PROCID$|LOCALID$|NODEID$|TASK_PID$|GTIDS$|LAUNCH_NODE_IPADDR$|SRUN_COMM_|MPI_TYPE$|PMIX|PMI_|CPU_BIND|DISTRIBUTION$)/

/** What the script of a batch job, or a shell of salloc, may find as its own step; nobody started it with srun. */
const BATCH_STEPS: readonly [string, ...string[]] = ['batch', '4294967291', 'interactive', '4294967290']

/**
 * Takes away what an MPI launcher told this process, so that a command can itself start MPI programs: they would take
 * our rank for theirs and fail, or hang (pure).
 *
 * Where no launcher started this process, such variables are the user's own settings, and stay. Settings of Open MPI's
 * (`OMPI_MCA_…`) go in any case where one did, since it speaks to its processes by the same names.
 */
export function withoutLauncherVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { SLURM_STEP_ID: step = BATCH_STEPS[0] } = environment
  const isStep = !BATCH_STEPS.includes(step)
  const isLaunched = isStep || LAUNCHER_MARKS.some((name) => environment[name] !== undefined)
  const isOfLauncher = (name: string): boolean =>
    (LAUNCHER_VARIABLE.test(name) && !USER_VARIABLE.test(name)) || (isStep && STEP_VARIABLE.test(name))
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !(isLaunched && isOfLauncher(name))) kept[name] = value
  }
  return kept
}
