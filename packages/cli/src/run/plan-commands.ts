import { resolve } from 'node:path'
import { ConfigError, DEFAULT_ROOT } from '@mpibatch/batch-core'
import { KnownTasks } from '@mpibatch/fs-state'
import { findProgram } from '../input/command-check.ts'
import { type CommandPlan, type CommandTemplate, planCommandTasks } from '../input/plan.ts'
import type { RunRequest } from '../input/run-request.ts'
import { type TaskList, taskListOf } from '../input/task-list.ts'
import { readTaskList } from '../input/task-source.ts'

/** The planned tasks of a run of commands, and where they live. */
export interface PlannedCommands extends CommandPlan {
  /** The task root, absolute: commands may change their working directory. */
  readonly root: string
}

/**
 * Reads the list of a run of commands: from where the command line says, or else the tasks that the root knows.
 *
 * @throws {@link ConfigError} for whatever is wrong with the list.
 */
export function readCommandList({ options, source }: RunRequest): TaskList {
  return source === undefined ? knownTasks(resolve(options.root), options.root) : readTaskList(source)
}

/**
 * Plans a run of commands: renders nothing yet, and makes sure that the program exists.
 *
 * @throws {@link ConfigError} for whatever is wrong with names, placeholders or program; nothing was changed.
 */
export function planCommands(
  { options }: RunRequest,
  { command, list }: { readonly command: CommandTemplate; readonly list: TaskList },
): PlannedCommands {
  const root = resolve(options.root)
  const plan = planCommandTasks({
    list,
    nameTemplate: options.nameTemplate,
    command,
    environment: options.environment,
    inTaskDirectory: options.inTaskDirectory,
  })
  const program =
    plan.program === undefined
      ? undefined
      : findProgram(plan.program, { ...process.env, ...options.environment })
  return {
    ...plan,
    renderCommand: (taskIndex, place) => {
      const [first = '', ...rest] = plan.renderCommand(taskIndex, place)
      // A path from here would mean another file in the task's directory.
      const moved = options.inTaskDirectory && program !== undefined && first.includes('/')
      return [moved ? program : first, ...rest]
    },
    root,
  }
}

function knownTasks(root: string, shown: string): TaskList {
  const tasks = new KnownTasks(root)
  if (tasks.length > 0) return taskListOf(tasks)
  const hint = shown === DEFAULT_ROOT ? '' : ' Is --root right?'
  throw new ConfigError(
    `No tasks were given, and the task root ${JSON.stringify(shown)} holds none.${hint} ` +
      'Give a list: ::: VALUE…, -a FILE, --array SPEC, --csv FILE or --from-json FILE.',
  )
}
