/** What all commands of a run have in common. */
export interface RunFacts {
  /** The task root. */
  readonly root: string
  /** Identifies the running batch. */
  readonly instance: string
  /** Ranks of each worker group. */
  readonly groupSize: number
  /** What the user adds; it may replace anything inherited, but says nothing about the task. */
  readonly extra: Readonly<Record<string, string>>
}

/** What a command learns of its task through `MPIBATCH_…` variables. */
export interface TaskFacts {
  readonly name: string
  /** From 0. */
  readonly index: number
  /** The task's directory. */
  readonly directory: string
  /** From 1. */
  readonly attempt: number
  /** The fencing number of the claim. */
  readonly claim: number
  /** The worker group, from 0. */
  readonly group: number
  /** Rank within the group. */
  readonly groupRank: number
}

/**
 * Builds what the environments of all commands of a run have in common (pure). No name in it is one of
 * {@link taskVariables}: an outer batch's variables do not pass for ours.
 *
 * @param inherited - `process.env` as {@link withoutLauncherVariables} leaves it.
 */
export function commonEnvironment(
  inherited: Readonly<Record<string, string>>,
  { root, instance, groupSize, extra }: RunFacts,
): Record<string, string> {
  const common: Record<string, string> = {
    ...inherited,
    ...extra,
    MPIBATCH_ROOT: root,
    MPIBATCH_INSTANCE: instance,
    MPIBATCH_GROUP_SIZE: String(groupSize),
  }
  for (const name of TASK_VARIABLES) delete common[name]
  // It marks what belongs to a start of the ranks, and ends with that.
  delete common.MPIBATCH_SUPERVISOR
  return common
}

/** What is said to a command about its task, beside {@link commonEnvironment} (pure). */
export function taskVariables(task: TaskFacts): Record<TaskVariable, string> {
  return {
    MPIBATCH_TASK: task.name,
    MPIBATCH_TASK_INDEX: String(task.index),
    MPIBATCH_TASK_DIR: task.directory,
    MPIBATCH_ATTEMPT: String(task.attempt),
    MPIBATCH_CLAIM: String(task.claim),
    MPIBATCH_GROUP: String(task.group),
    MPIBATCH_GROUP_RANK: String(task.groupRank),
  }
}

const TASK_VARIABLES = [
  'MPIBATCH_TASK',
  'MPIBATCH_TASK_INDEX',
  'MPIBATCH_TASK_DIR',
  'MPIBATCH_ATTEMPT',
  'MPIBATCH_CLAIM',
  'MPIBATCH_GROUP',
  'MPIBATCH_GROUP_RANK',
] as const
type TaskVariable = (typeof TASK_VARIABLES)[number]

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
