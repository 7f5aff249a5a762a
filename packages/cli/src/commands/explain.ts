import { ConfigError, DEFAULT_ROOT } from '@mpibatch/batch-core'
import { explainTask } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { readLiveness } from '../input/liveness-variable.ts'
import { showWords } from '../input/shell-quoting.ts'
import { explanationText } from '../output/explanation.ts'
import { explanationRecord } from '../output/explanation-record.ts'
import { printable } from '../output/printable.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { rootAndTasks } from './task-root.ts'

/** `mpibatch explain [ROOT] TASK [--json]`: why a task is in its state, and what will happen next. */
export const explainCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'explain [ROOT] TASK',
      options: { json: { type: 'boolean', describe: 'print one object' } },
    })
    const { root, tasks } = rootAndTasks(words)
    const [name] = tasks
    if (name === undefined || tasks.length > 1)
      throw new ConfigError('Name one task. "mpibatch list" shows their names.')
    const history = await explainTask(root, name, { liveness: readLiveness(process.env.MPIBATCH_LIVENESS) })
    if (history === undefined) {
      throw new ConfigError(
        `There is no task ${JSON.stringify(name)} in ${root}. "mpibatch list" shows the names of all.`,
      )
    }
    const shellWords = printable(showWords(root === DEFAULT_ROOT ? [name] : [root, name]))
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify(explanationRecord(history))}\n`
        : explanationText(history, shellWords),
    )
    return EXIT_CODE.done
  },
}
