import { openRootView } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

/** `mpibatch check [ROOT]`: silent; exit code 0 if the root holds tasks and all are DONE, 1 if not. */
export const checkCommand: Command = {
  async run(argv) {
    const { words } = await parseArguments(argv, { usage: 'check [ROOT]', options: {} })
    const counts = openRootView(onlyRoot(words)).counts()
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return total > 0 && counts.DONE === total ? EXIT_CODE.done : EXIT_CODE.notDone
  },
}
