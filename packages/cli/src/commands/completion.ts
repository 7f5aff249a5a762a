import { ConfigError } from '@mpibatch/batch-core'
import { completionScript, SHELLS, type Shell } from '../completion/completion-script.ts'
import { EXIT_CODE } from '../exit-code.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'

/** `mpibatch completion bash|zsh|fish`: prints the shell's completion script. */
export const completionCommand: Command = {
  async run(argv) {
    const { words } = await parseArguments(argv, { usage: 'completion bash|zsh|fish', options: {} })
    const [shell] = words
    if (words.length !== 1 || !isShell(shell)) throw new ConfigError(`Name one shell: ${SHELLS.join(', ')}.`)
    process.stdout.write(completionScript(shell))
    return EXIT_CODE.done
  },
}

function isShell(word: string | undefined): word is Shell {
  return (SHELLS as readonly (string | undefined)[]).includes(word)
}
