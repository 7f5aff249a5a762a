import { COMMAND_LIST } from '../commands/command-list.ts'
import { RUN_OPTIONS } from '../input/run-option-table.ts'
import { bashCompletion } from './bash.ts'
import type { CompletionCommand } from './completion-model.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

/** The shells that have a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number]

const GENERATORS: Readonly<Record<Shell, (commands: readonly CompletionCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/** The completion script for a shell, made from the list of commands and the table of options. */
export function completionScript(shell: Shell): string {
  return GENERATORS[shell](
    COMMAND_LIST.map(({ name, description }) => ({
      name,
      description,
      options: name === 'run' ? RUN_OPTIONS : [],
      ...(name === 'run' ? { runsCommand: true } : {}),
      ...(name === 'completion' ? { words: SHELLS } : {}),
    })),
  )
}
