import { constants, createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ConfigError, StateCorruptError } from '@mpibatch/batch-core'
import { openRootView } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import type { Command } from './command.ts'
import { followFile } from './follow-file.ts'
import { parseArguments } from './parse-arguments.ts'
import { rootAndTasks } from './task-root.ts'

/** `mpibatch logs [ROOT] TASK… [--stderr] [--follow]`: prints what the tasks printed. */
export const logsCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'logs [ROOT] TASK…',
      options: {
        stderr: { type: 'boolean', describe: 'print standard error instead of standard output' },
        follow: { type: 'boolean', alias: 'f', describe: 'go on while the task runs' },
      },
    })
    const { root, tasks } = rootAndTasks(words)
    if (tasks.length === 0) throw new ConfigError('No task was named. "mpibatch list" shows their names.')
    if (values.follow === true && tasks.length > 1) throw new ConfigError('--follow takes one task.')
    const view = openRootView(root)
    const reports = tasks.map((name) => {
      const report = view.task(name)
      if (report === undefined) throw new ConfigError(`There is no task ${JSON.stringify(name)} in ${root}.`)
      if (report.directoryFault !== undefined)
        throw new StateCorruptError(`${report.message}; nothing is read through it.`)
      return report
    })
    const file = values.stderr === true ? 'stderr' : 'stdout'
    for (const { name } of reports) {
      if (tasks.length > 1) process.stdout.write(`==> ${name} <==\n`)
      const path = join(view.taskDirectory(name), file)
      if (values.follow === true) {
        await followFile(path, { ended: () => view.task(name)?.state !== 'RUNNING', output: process.stdout })
      } else if (!(await printFile(path))) {
        process.stderr.write(
          `mpibatch: task ${name} has no ${file}: it has not run yet, or its logs were not kept.\n`,
        )
      }
    }
    return EXIT_CODE.done
  },
}

/** Prints a file that is no symbolic link; `false` if there is none. */
async function printFile(path: string): Promise<boolean> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW
    await pipeline(createReadStream(path, { flags: flags as unknown as string }), process.stdout, {
      end: false,
    })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
