import type { OptionDefinition } from '../input/run-option-table.ts'

/** A command as completion knows it. */
export interface CompletionCommand {
  readonly name: string
  /** One line. */
  readonly description: string
  readonly options: readonly OptionDefinition[]
  /** Words that may follow; left out, names of files. */
  readonly words?: readonly string[]
  /** Whether a command line of the user's own follows behind `--`. */
  readonly runsCommand?: boolean
}

/** The spellings of an option: `-j` and `--jobs`. */
export function spellingsOf({ name, alias }: OptionDefinition): string[] {
  return [...(alias === undefined ? [] : [`-${alias}`]), name.length === 1 ? `-${name}` : `--${name}`]
}

/** The options whose texts are completed alike. */
export function spellingsThat(
  command: CompletionCommand,
  matches: (option: OptionDefinition) => boolean,
): string[] {
  return command.options.filter(matches).flatMap(spellingsOf)
}
