/**
 * Checks the options of `openBatch`. Apart from their types, since the library that does it takes long to load, and a run of
 * commands needs none of it.
 */
import { z } from 'zod'
import {
  type BatchOptions,
  DEFAULT_CRASH_LIMIT,
  DEFAULT_ROOT,
  type LivenessOptions,
  type ResolvedBatchOptions,
} from './batch-options.ts'
import { ConfigError } from './errors.ts'
import type { RuntimeOptions } from './runtime.ts'
import { checkTaskNames, type TaskDefinition } from './task-definition.ts'
import { isStoredState, type StoredState } from './task-state.ts'

const taskValue = z.union([z.string(), z.number(), z.boolean(), z.null()])
const taskDefinition = z.union([
  z.string().transform((name) => ({ name })),
  z.object({ name: z.string(), values: z.record(z.string(), taskValue).optional() }),
])

const liveness = z
  .strictObject({
    heartbeatMs: z.number().min(20),
    leaseMs: z.number().min(100),
    visibilityMs: z.number().min(0),
    deadAfterMs: z.number().min(100),
  })
  .partial()
  .transform((times): LivenessOptions => withoutUndefined(times))

const schema = z.strictObject({
  root: z.string().min(1, 'must not be empty').nullable().default(DEFAULT_ROOT),
  groupSize: z.int().min(1).default(1),
  rootRank: z.int().min(0).default(0),
  retries: z.int().min(0).max(1000).default(0),
  retryDelayMs: z.number().min(0).default(1000),
  retryFailed: z.boolean().default(false),
  rerun: z.boolean().default(false),
  stealRunning: z.boolean().default(false),
  order: z.enum(['given', 'longest', 'shuffle']).default('given'),
  durability: z.enum(['none', 'terminal', 'full']).default('terminal'),
  acceptChanges: z.boolean().default(false),
  crashLimit: z.int().min(1).default(DEFAULT_CRASH_LIMIT),
  wait: z.boolean().default(false),
  timeLimitMs: z.number().min(0).optional(),
  liveness: liveness.default({}),
  version: z.string().default(''),
})

/**
 * Checks a script's options and puts the command line's over them.
 *
 * @throws {@link ConfigError} naming the first option that is wrong.
 */
export function resolveBatchOptions(
  options: BatchOptions,
  commandLine: RuntimeOptions = {},
): ResolvedBatchOptions {
  const {
    communicator: _communicator,
    signal: _signal,
    interrupt: _interrupt,
    onFault: _onFault,
    initialStates,
    ...checked
  } = options
  if (checked.tasks !== undefined && commandLine.tasks !== undefined) {
    throw new ConfigError(
      'The script has its own tasks, and the command line gives others. Take one of them.',
    )
  }
  const { tasks: givenTasks, ...rest } = { ...checked, ...commandLine }
  // The tasks are looked at one by one, since a schema over a million of them would copy them all.
  const parsed = schema.safeParse(withoutUndefined(rest))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const place = issue?.code === 'unrecognized_keys' ? '' : `${issue?.path.join('.') ?? ''}: `
    throw new ConfigError(`Wrong option for openBatch: ${place}${issue?.message ?? 'not valid'}.`, {
      cause: parsed.error,
    })
  }
  if (givenTasks === undefined) {
    throw new ConfigError(
      'openBatch was given no tasks. Give it `tasks`, or a list on the command line of `mpibatch run`.',
    )
  }
  const tasks = givenTasks.map(toDefinition)
  if (tasks.length === 0) throw new ConfigError('The list of tasks is empty.')
  checkTaskNames(tasks)
  checkInitialStates(initialStates, { root: parsed.data.root, taskCount: tasks.length })
  return { ...parsed.data, timeLimitMs: parsed.data.timeLimitMs, tasks, initialStates }
}

function checkInitialStates(
  states: readonly StoredState[] | undefined,
  { root, taskCount }: { readonly root: string | null; readonly taskCount: number },
): void {
  if (states === undefined) return
  if (root !== null) {
    throw new ConfigError(
      `The states of this batch are on disk, in ${root}, so initialStates can't set them. Use root: null and no --root, or leave initialStates out.`,
    )
  }
  if (!Array.isArray(states) || states.length !== taskCount) {
    throw new ConfigError(
      `initialStates has ${Array.isArray(states) ? `${states.length} states` : 'no list of states'} for ${taskCount} tasks. Give one per task, in the order of the list.`,
    )
  }
  const wrong = states.findIndex((state) => !isStoredState(state))
  if (wrong >= 0) {
    throw new ConfigError(
      `initialStates has ${JSON.stringify(states[wrong])} for task ${wrong}, but a state is OPEN, RUNNING, DONE or FAILED.`,
      { details: { index: wrong } },
    )
  }
}

function toDefinition(task: unknown, index: number): TaskDefinition {
  if (typeof task === 'string') return { name: task }
  const parsed = taskDefinition.safeParse(task)
  if (parsed.success) return parsed.data as TaskDefinition
  throw new ConfigError(
    `Task ${index + 1} is neither a name nor { name, values } with plain values (string, number, boolean, null).`,
    { cause: parsed.error, details: { index } },
  )
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
