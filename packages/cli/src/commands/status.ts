import { openRootView } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { parseDuration } from '../input/duration.ts'
import { rootStatus, statusText } from '../output/root-status.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'
import { watchStatus } from './watch-status.ts'

/** `mpibatch status [ROOT] [--watch] [--json]`: how far it is, what runs where, what failed last. */
export const statusCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'status [ROOT]',
      options: {
        watch: {
          type: 'boolean',
          alias: 'w',
          describe: 'show it again when something has changed, until all has ended',
        },
        poll: {
          type: 'string',
          requiresArg: true,
          implies: 'watch',
          describe: 'with --watch: look for changes so often, as 5s, instead of waiting to be told of them',
        },
        json: { type: 'boolean', describe: 'print one object; with --watch, one per change' },
      },
    })
    const root = onlyRoot(words)
    const json = values.json === true
    if (values.watch === true) {
      const pollMs = typeof values.poll === 'string' ? parseDuration(values.poll, '--poll') : undefined
      await watchStatus(root, { json, pollMs, output: process.stdout })
    } else {
      const status = rootStatus(root, openRootView(root), Date.now())
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : statusText(status))
    }
    return EXIT_CODE.done
  },
}
