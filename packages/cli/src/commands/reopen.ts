import { ConfigError } from '@mpibatch/batch-core'
import { type Administrator, openAdministrator, openRootView, type TaskReport } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import type { Command } from './command.ts'
import { type OptionTable, parseArguments } from './parse-arguments.ts'
import { rootAndTasks } from './task-root.ts'

/** Which tasks a command opens again, and how it speaks of them. */
interface Reopening {
  readonly usage: string
  readonly options?: OptionTable
  /** Whether the task is one of those that the command is for. */
  readonly wanted: (task: TaskReport, force: boolean) => boolean
  readonly from: (force: boolean) => Parameters<Administrator['reopen']>[1]['from']
  /** Why a task that was named is not opened. */
  readonly refusal: string
}

const DRY_RUN: OptionTable = {
  'dry-run': { type: 'boolean', describe: 'only show which tasks would be opened' },
}

const FORCE: OptionTable = {
  force: { type: 'boolean', describe: 'also tasks that a living instance runs; its results will not count' },
}

/** `mpibatch retry [ROOT] [TASK…]`: FAILED to OPEN. */
export const retryCommand: Command = reopenCommand({
  usage: 'retry [ROOT] [TASK…]',
  wanted: (task) => task.state === 'FAILED',
  from: () => 'failed',
  refusal: 'is not FAILED',
})

/** `mpibatch recover [ROOT] [TASK…]`: RUNNING to OPEN where the owner is dead, with `--force` where it lives too. */
export const recoverCommand: Command = reopenCommand({
  usage: 'recover [ROOT] [TASK…]',
  options: FORCE,
  wanted: (task, force) => task.state === 'RUNNING' && (force || task.owner?.alive === false),
  from: (force) => (force ? 'running' : 'dead'),
  refusal: 'is not RUNNING with a dead owner ("--force" takes it from a living one)',
})

/** `mpibatch rerun [ROOT] [TASK…]`: all to OPEN, but what a living instance runs. */
export const rerunCommand: Command = reopenCommand({
  usage: 'rerun [ROOT] [TASK…]',
  options: FORCE,
  wanted: (task, force) =>
    task.state === 'DONE' ||
    task.state === 'FAILED' ||
    (task.state === 'RUNNING' && (force || task.owner?.alive === false)),
  from: () => 'any',
  refusal: 'is OPEN already, or runs ("--force" takes it from a living instance)',
})

function reopenCommand(reopening: Reopening): Command {
  return {
    async run(argv) {
      const { words, values } = await parseArguments(argv, {
        usage: reopening.usage,
        options: { ...DRY_RUN, ...reopening.options },
      })
      const force = values.force === true
      const { root, tasks: names } = rootAndTasks(words)
      const view = openRootView(root)
      const named = names.map((name) => {
        const task = view.task(name)
        if (task === undefined) throw new ConfigError(`There is no task ${JSON.stringify(name)} in ${root}.`)
        return task
      })
      const candidates = names.length > 0 ? named : view.tasks()
      const chosen: TaskReport[] = []
      for (const task of candidates) {
        if (reopening.wanted(task, force)) chosen.push(task)
        else if (names.length > 0)
          throw new ConfigError(`Task ${task.name} ${reopening.refusal}; it is ${task.state}.`)
      }
      if (values['dry-run'] === true) {
        for (const { name, state } of chosen) process.stdout.write(`${name}\t${state}\n`)
        return EXIT_CODE.done
      }
      const opened = chosen.length === 0 ? 0 : await reopenAll(root, chosen, reopening.from(force), force)
      process.stderr.write(`mpibatch: ${opened} ${opened === 1 ? 'task' : 'tasks'} OPEN again.\n`)
      return opened === chosen.length ? EXIT_CODE.done : EXIT_CODE.notDone
    },
  }
}

async function reopenAll(
  root: string,
  tasks: readonly TaskReport[],
  from: Parameters<Administrator['reopen']>[1]['from'],
  force: boolean,
): Promise<number> {
  const administrator = await openAdministrator(root)
  let opened = 0
  try {
    for (const { name } of tasks) {
      const { changed, reason } = await administrator.reopen(name, { from, force })
      if (changed) opened += 1
      else
        process.stderr.write(
          `mpibatch: ${name} was left as it is: ${reason ?? 'it has changed meanwhile'}.\n`,
        )
    }
  } finally {
    await administrator.close()
  }
  return opened
}
