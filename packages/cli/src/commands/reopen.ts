import { EXIT_CODE } from '../exit-code.ts'
import type { Command } from './command.ts'
import { type OptionTable, parseArguments } from './parse-arguments.ts'
import { chooseTasks, isOutOfSight, RECOVER, RERUN, RETRY, type Reopening, reopenTasks } from './reopening.ts'
import { rootAndTasks } from './task-root.ts'

const DRY_RUN: OptionTable = {
  'dry-run': { type: 'boolean', describe: 'only show which tasks would be opened' },
}

const FORCE: OptionTable = {
  force: { type: 'boolean', describe: 'also tasks that a living instance runs; its results will not count' },
}

/** `mpibatch retry [ROOT] [TASK…]`: FAILED to OPEN. */
export const retryCommand: Command = reopenCommand('retry [ROOT] [TASK…]', RETRY)

/** `mpibatch recover [ROOT] [TASK…]`: RUNNING to OPEN where the owner is dead, with `--force` where it lives too. */
export const recoverCommand: Command = reopenCommand('recover [ROOT] [TASK…]', RECOVER, FORCE)

/** `mpibatch rerun [ROOT] [TASK…]`: all to OPEN, but what a living instance runs. */
export const rerunCommand: Command = reopenCommand('rerun [ROOT] [TASK…]', RERUN, FORCE)

function reopenCommand(usage: string, reopening: Reopening, options: OptionTable = {}): Command {
  return {
    async run(argv) {
      const { words, values } = await parseArguments(argv, { usage, options: { ...DRY_RUN, ...options } })
      const force = values.force === true
      const { root, tasks: names } = rootAndTasks(words)
      const chosen = chooseTasks(root, reopening, { names, force })
      if (values['dry-run'] === true) {
        for (const task of chosen) {
          const condition = !force && isOutOfSight(task) ? '\tif its owner shows no sign of life' : ''
          process.stdout.write(`${task.name}\t${task.state}${condition}\n`)
        }
        return EXIT_CODE.done
      }
      const named = names.length > 0
      const done = await reopenTasks(root, reopening, { chosen, named, force }, (text) =>
        process.stderr.write(`mpibatch: ${text}\n`),
      )
      return done ? EXIT_CODE.done : EXIT_CODE.notDone
    },
  }
}
