import { resolve } from 'node:path'
import { ConfigError, DEFAULT_ROOT, groupLayout } from '@mpibatch/batch-core'
import { readKnownTasks } from '@mpibatch/fs-state'
import { findProgram } from '../input/command-check.ts'
import { type CommandPlan, type CommandTemplate, planCommandTasks } from '../input/plan.ts'
import type { RunRequest } from '../input/run-request.ts'
import { type TaskList, taskListOf } from '../input/task-list.ts'
import { readTaskList } from '../input/task-source.ts'

/** The planned tasks of a run of commands, and where they live. */
export interface PlannedCommands extends CommandPlan {
  /** The task root, absolute: commands may change their working directory. */
  readonly root: string
  /** Slots to run them in: one per worker group. */
  readonly slots: number
}

/**
 * Plans a run of commands: reads the list, renders nothing yet, and makes sure that the program exists.
 *
 * @throws {@link ConfigError} for whatever is wrong with list, names, placeholders or program; nothing was changed.
 */
export function planCommands({ options, source }: RunRequest, command: CommandTemplate): PlannedCommands {
  const { groupCount } = groupLayout({ size: options.jobs, groupSize: options.groupSize })
  const root = resolve(options.root)
  const list = source === undefined ? knownTasks(root, options.root) : readTaskList(source)
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
    slots: Math.min(groupCount, list.atOnceMax ?? groupCount),
  }
}

function knownTasks(root: string, shown: string): TaskList {
  const tasks = readKnownTasks(root)
  if (tasks.length > 0) return taskListOf(tasks)
  const hint = shown === DEFAULT_ROOT ? '' : ' Is --root right?'
  throw new ConfigError(
    `No tasks were given, and the task root ${JSON.stringify(shown)} holds none.${hint} ` +
      'Give a list: ::: VALUE…, -a FILE, --array SPEC, --csv FILE or --from-json FILE.',
  )
}
