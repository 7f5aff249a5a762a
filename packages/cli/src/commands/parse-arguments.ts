import { ConfigError } from '@mpibatch/batch-core'
import type { Options } from 'yargs'
import yargsParser, { type Options as ParserOptions } from 'yargs-parser'
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

/** Both ways of reading words, that of the parser and that of help, which has to be told of the same options. */
const READING = {
  'camel-case-expansion': false,
  'parse-positional-numbers': false,
  'populate--': false,
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
  const { argv: parsed, error } = yargsParser.detailed([...argv], parserOptions(options))
  if (parsed.help === true) await showHelp(command.usage, options)
  const fault = error?.message ?? missingCompanion(parsed, options)
  if (fault !== undefined) {
    throw new ConfigError(`${fault}. "mpibatch ${command.usage.split(' ')[0]} --help" lists the options.`)
  }
  checkKnown(parsed, options)
  return { words: parsed._.map(String), values: parsed }
}

/** Options as the parser of yargs takes them. The whole of yargs, which takes its time to load, is there for help. */
function parserOptions(options: OptionTable): ParserOptions {
  const entries = Object.entries(options)
  const namesOf = (type: Options['type']): string[] =>
    entries.flatMap(([name, option]) => (option.type === type ? [name] : []))
  return {
    alias: Object.fromEntries([
      ['help', 'h'],
      ...entries.flatMap(([name, { alias }]) => (alias === undefined ? [] : [[name, alias]])),
    ]),
    boolean: [...namesOf('boolean'), 'help'],
    string: entries.flatMap(([name, { type, string }]) =>
      type === 'string' || string === true ? [name] : [],
    ),
    array: namesOf('array'),
    narg: Object.fromEntries(
      entries.flatMap(([name, { nargs, requiresArg }]) => {
        // A value that is asked for, but may not be one that looks like an option.
        const count = nargs ?? (requiresArg === true ? Number.NaN : undefined)
        return count === undefined ? [] : [[name, count]]
      }),
    ),
    configuration: READING,
  }
}

function missingCompanion(
  parsed: Readonly<Record<string, unknown>>,
  options: OptionTable,
): string | undefined {
  for (const [name, { implies }] of Object.entries(options)) {
    if (typeof implies !== 'string' || parsed[name] === undefined || parsed[implies] !== undefined) continue
    return `--${name} means nothing without --${implies}`
  }
  return undefined
}

async function showHelp(usage: string, options: OptionTable): Promise<never> {
  const { default: yargs } = await import('yargs')
  await yargs(['--help'])
    .scriptName('mpibatch')
    .usage(`mpibatch ${usage}`)
    .options({ ...options })
    .version(false)
    .help('help')
    .alias('help', 'h')
    .parserConfiguration(READING)
    .wrap(null)
    .exitProcess(false)
    .parse()
  process.exit(0)
}

function checkKnown(parsed: Record<string, unknown>, options: OptionTable): void {
  const known = new Set(['_', 'help', 'h', ...Object.keys(options)])
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
