import { setTimeout as pause } from 'node:timers/promises'
import { openRootView, type RootView } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { rootStatus, statusText } from '../output/root-status.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

const WATCH_INTERVAL_MS = 2000
/** Cursor home, then erase to the end of the screen. */
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

/** `mpibatch status [ROOT] [--watch] [--json]`: how far it is, what runs where, what failed last. */
export const statusCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'status [ROOT]',
      options: {
        watch: {
          type: 'boolean',
          alias: 'w',
          describe: 'show it again every 2 seconds, until all has ended',
        },
        json: { type: 'boolean', describe: 'print one object' },
      },
    })
    const root = onlyRoot(words)
    const json = values.json === true
    for (;;) {
      const view: RootView = openRootView(root)
      const status = rootStatus(root, view, Date.now())
      if (json) process.stdout.write(`${JSON.stringify(status)}\n`)
      else
        process.stdout.write((values.watch && process.stdout.isTTY ? CLEAR_SCREEN : '') + statusText(status))
      if (values.watch !== true || status.open + status.running === 0) return EXIT_CODE.done
      await pause(WATCH_INTERVAL_MS)
    }
  },
}
