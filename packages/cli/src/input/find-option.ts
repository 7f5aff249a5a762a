import { ConfigError } from '@mpibatch/batch-core'
import { nearest } from './nearest.ts'
import { type OptionDefinition, RUN_OPTIONS, spellingOf } from './run-option-table.ts'

/**
 * The option that a word of the command line names: `--root`, `--root=DIR`, `-j`, `-j4`.
 *
 * @throws {@link ConfigError} if there is none, with the nearest name.
 */
export function findOption(word: string): OptionDefinition {
  const long = /^--([^=]*)/.exec(word)?.[1]
  const name = long ?? word.slice(1, 2)
  const option = RUN_OPTIONS.find(
    (known) =>
      (known.name === name && known.name.length > 1 === (long !== undefined)) ||
      (long === undefined && known.alias === name),
  )
  if (option !== undefined) return option
  const names = RUN_OPTIONS.map((known) => known.name).filter((known) => known.length > 1)
  const guess = long === undefined ? undefined : nearest(name, names)
  const hint = guess === undefined ? 'See "mpibatch run --help".' : `Did you mean --${guess}?`
  throw new ConfigError(
    `mpibatch run has no option ${long === undefined ? spellingOf(name) : `--${name}`}. ${hint} A command goes behind --.`,
  )
}
