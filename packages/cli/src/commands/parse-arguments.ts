import { ConfigError } from '@mpibatch/batch-core'
import yargs, { type Options } from 'yargs'
import { nearest } from '../input/nearest.ts'

/** Options of a command by long name, as yargs describes them. */
export type OptionTable = Readonly<Record<string, Options>>

/** What was on the command line. */
export interface ParsedArguments {
  /** Words that belong to no option. */
  readonly words: readonly string[]
  /** Values of the options, by long name. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Options that every command has. */
const COMMON: OptionTable = {
  debug: { type: 'boolean', describe: 'show where an error comes from' },
}

/**
 * Parses the words behind a command's name, strictly. `--help` prints help and ends the program.
 *
 * @throws {@link ConfigError} for an unknown option, with the nearest known one, or a value that is missing.
 */
export async function parseArguments(
  argv: readonly string[],
  command: { readonly usage: string; readonly options: OptionTable },
): Promise<ParsedArguments> {
  const options: OptionTable = { ...command.options, ...COMMON }
  const parser = yargs([...argv])
    .scriptName('mpibatch')
    .usage(`mpibatch ${command.usage}`)
    .options({ ...options })
    .version(false)
    .help('help')
    .alias('help', 'h')
    .parserConfiguration({
      'camel-case-expansion': false,
      'parse-positional-numbers': false,
      'populate--': false,
    })
    .wrap(null)
    .exitProcess(false)
    .fail((message, error) => {
      throw (
        error ??
        new ConfigError(`${message}. "mpibatch ${command.usage.split(' ')[0]} --help" lists the options.`)
      )
    })
  const parsed = (await parser.parse()) as Record<string, unknown> & {
    _: (string | number)[]
    help?: boolean
  }
  if (parsed.help === true) process.exit(0)
  checkKnown(parsed, options)
  return { words: parsed._.map(String), values: parsed }
}

function checkKnown(parsed: Record<string, unknown>, options: OptionTable): void {
  const known = new Set(['_', '$0', 'help', 'h', ...Object.keys(options)])
  for (const option of Object.values(options))
    for (const alias of [option.alias ?? []].flat()) known.add(alias)
  for (const name of Object.keys(parsed)) {
    if (known.has(name)) continue
    const guess = nearest(
      name,
      [...known].filter((word) => word.length > 1),
    )
    throw new ConfigError(
      `There is no option --${name}. ${guess === undefined ? '"--help" lists them.' : `Did you mean --${guess}?`}`,
    )
  }
}
