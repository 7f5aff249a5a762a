import {
  ConfigError,
  DEFAULT_CRASH_LIMIT,
  DEFAULT_ROOT,
  type Durability,
  type LivenessOptions,
  type TaskOrder,
} from '@mpibatch/batch-core'
import yargsParser, { type Configuration, type Options } from 'yargs-parser'
import { parseCount } from './count.ts'
import { parseDuration } from './duration.ts'
import { findOption } from './find-option.ts'
import { FAIL_FAST, type HaltPolicy, parseHalt } from './halt.ts'
import { parseJobs } from './jobs.ts'
import { readLiveness } from './liveness-variable.ts'
import { type OptionDefinition, RUN_OPTIONS, spellingOf } from './run-option-table.ts'
import { readSpawning } from './spawn-variable.ts'
import { DEFAULT_NAME_TEMPLATE } from './task-name.ts'
import type { SourceOptions } from './task-source.ts'

export { runOptionsHelp } from './option-help.ts'

/** The options of `mpibatch run`, checked, with every default filled in. */
export interface RunOptions {
  /** The task root as it was given; the default is relative to the working directory. */
  readonly root: string
  readonly nameTemplate: string
  /** Slots or ranks on this machine. */
  readonly jobs: number
  readonly groupSize: number
  /** Who of a worker group runs the task's command. */
  readonly groupExec: 'leader' | 'all'
  /** Words of the launcher that starts the ranks; `undefined`: none. */
  readonly launcher: string | undefined
  /** How often the ranks are started again, at most. */
  readonly restarts: number
  readonly retries: number
  readonly retryDelayMs: number
  /** A task whose owner died so often becomes FAILED. */
  readonly crashLimit: number
  /** `undefined`: no limit. */
  readonly timeoutMs: number | undefined
  /** `undefined`: go on to the end. */
  readonly halt: HaltPolicy | undefined
  readonly retryFailed: boolean
  readonly rerun: boolean
  readonly stealRunning: boolean
  readonly acceptChanges: boolean
  readonly wait: boolean
  /** Milliseconds from the start of the process; `auto`: what Slurm leaves; `undefined`: no limit. */
  readonly timeLimit: number | 'auto' | undefined
  /** What the environment says of the times of liveness. */
  readonly liveness: LivenessOptions
  /** How the environment wants commands to be started; `undefined`: as fast as this machine can. */
  readonly spawning: 'portable' | undefined
  readonly order: TaskOrder
  readonly inTaskDirectory: boolean
  /** What `--env` adds to the tasks' environment. */
  readonly environment: Readonly<Record<string, string>>
  readonly logs: 'all' | 'failed' | 'none'
  readonly durability: Durability
  /** Whether and how each task's output is printed when it ends. */
  readonly print: PrintOptions | undefined
  /** File for a line per task that ends; `undefined`: none. */
  readonly jobLog: string | undefined
  readonly progress: 'auto' | 'bar' | 'plain' | 'none'
  readonly dryRun: boolean
  readonly json: boolean
  readonly debug: boolean
  readonly help: boolean
  /** The line of `-c`. */
  readonly shellLine: string | undefined
  /** The options that name where tasks come from. */
  readonly source: SourceOptions
  /** Names of the options that stood on the command line, without dashes: `root`, `group-size`. */
  readonly given: ReadonlySet<string>
}

/** How the output of tasks is printed. */
export interface PrintOptions {
  /** Whether each line has the task's name before it. */
  readonly tag: boolean
  /** Whether it comes in the order of the tasks. */
  readonly keepOrder: boolean
}

/** How often ranks are started again unless `--restarts` says. */
const RESTARTS = 3

/**
 * Reads the options of `mpibatch run`: the words that `splitRunArguments` has found to be options.
 *
 * @throws {@link ConfigError} with one sentence: an unknown option and its nearest neighbour, a missing value, an
 *   option given twice, a number or duration that is none.
 */
export function parseRunOptions(argv: readonly string[]): RunOptions {
  const given = new GivenOptions(argv)
  const count = (name: string, bounds: { otherwise: number; min: number; max: number }): number => {
    const text = given.text(name)
    return text === undefined ? bounds.otherwise : parseCount(text, { what: spellingOf(name), ...bounds })
  }
  const retryDelay = given.text('retry-delay')
  return {
    root: given.path('root') ?? DEFAULT_ROOT,
    nameTemplate: given.text('name') ?? DEFAULT_NAME_TEMPLATE,
    jobs: parseJobs(given.text('jobs')),
    groupSize: count('group-size', { otherwise: 1, min: 1, max: 4096 }),
    groupExec: given.choice('group-exec') as RunOptions['groupExec'],
    launcher: readLauncher(given),
    restarts: count('restarts', { otherwise: RESTARTS, min: 0, max: 1000 }),
    retries: count('retries', { otherwise: 0, min: 0, max: 1000 }),
    retryDelayMs: retryDelay === undefined ? 1000 : parseDuration(retryDelay, '--retry-delay'),
    crashLimit: count('crash-limit', { otherwise: DEFAULT_CRASH_LIMIT, min: 1, max: 1_000_000 }),
    timeoutMs: readTimeout(given.text('timeout')),
    halt: readHalt(given),
    retryFailed: given.flag('retry-failed'),
    rerun: given.flag('rerun'),
    stealRunning: given.flag('steal-running'),
    acceptChanges: given.flag('accept-changes'),
    wait: given.flag('wait'),
    timeLimit: readTimeLimit(given.text('time-limit')),
    liveness: readLiveness(process.env.MPIBATCH_LIVENESS),
    spawning: readSpawning(process.env.MPIBATCH_SPAWN),
    order: given.choice('order') as TaskOrder,
    inTaskDirectory: given.flag('in-task-dir'),
    environment: readEnvironment(given.list('env')),
    logs: given.choice('logs') as RunOptions['logs'],
    durability: given.choice('durability') as Durability,
    print: readPrint(given),
    jobLog: given.path('joblog'),
    progress: given.choice('progress') as RunOptions['progress'],
    dryRun: given.flag('dry-run'),
    json: given.flag('json'),
    debug: given.flag('debug'),
    help: given.flag('help'),
    shellLine: given.text('c'),
    source: readSource(given),
    given: given.names,
  }
}

/** The words are read as they stand, without guesses at numbers or dots. */
const READING: Partial<Configuration> = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
}

/** The table of options, as the parser of yargs takes it: yargs itself takes longer to load than most runs to begin. */
function parserOptions(): Options {
  const withValue = RUN_OPTIONS.filter(({ kind }) => kind !== 'flag')
  return {
    alias: Object.fromEntries(
      RUN_OPTIONS.flatMap(({ name, alias }) => (alias === undefined ? [] : [[name, alias]])),
    ),
    boolean: namesOf('flag'),
    array: namesOf('list'),
    string: withValue.map(({ name }) => name),
    narg: Object.fromEntries(withValue.map(({ name }) => [name, 1])),
    configuration: READING,
  }
}

function namesOf(kind: OptionDefinition['kind']): string[] {
  return RUN_OPTIONS.filter((option) => option.kind === kind).map(({ name }) => name)
}

/** The options that stand on the command line, checked against the table. */
class GivenOptions {
  readonly names: ReadonlySet<string>
  readonly #values: Readonly<Record<string, unknown>>

  constructor(argv: readonly string[]) {
    checkFlagsHaveNoValue(argv)
    const { argv: parsed, error } = yargsParser.detailed([...argv], parserOptions())
    if (error !== null) failWithSentence(error)
    const { _: _positionals, ...values } = parsed
    for (const name of Object.keys(values)) findOption(spellingOf(name))
    this.#values = values
    this.names = new Set(Object.keys(values))
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    if (Array.isArray(value)) {
      throw new ConfigError(`${spellingOf(name)} was given ${value.length} times; it takes one value.`)
    }
    return value as string | undefined
  }

  /** A text that names a file or directory, and so can't be empty. */
  path(name: string): string | undefined {
    const value = this.text(name)
    if (value === '') throw new ConfigError(`${spellingOf(name)} was given an empty name. Give it a path.`)
    return value
  }

  list(name: string): readonly string[] {
    return (this.#values[name] as readonly string[] | undefined) ?? []
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  choice(name: string): string {
    const option = RUN_OPTIONS.find((known) => known.name === name)
    const choices = option?.choices ?? []
    const value = this.text(name) ?? option?.default ?? ''
    if (choices.includes(value)) return value
    throw new ConfigError(
      `${spellingOf(name)} was given ${JSON.stringify(value)}; it takes ${choices.join(', ')}.`,
    )
  }
}

/** `--rerun=no` would look like the opposite of what it does. */
function checkFlagsHaveNoValue(argv: readonly string[]): void {
  for (const word of argv) {
    const name = /^--([^=]+)=/.exec(word)?.[1]
    if (RUN_OPTIONS.some((option) => option.name === name && option.kind === 'flag')) {
      throw new ConfigError(`--${name} takes no value. Write --${name} alone, or leave it out.`)
    }
  }
}

function failWithSentence(error: Error): never {
  const name = /^Not enough arguments following: (.+)$/.exec(error.message)?.[1]
  if (name === undefined) throw error
  const option = findOption(spellingOf(name))
  const spelling = spellingOf(option.name)
  throw new ConfigError(
    `${spelling} needs a value: ${spelling} ${option.valueName ?? 'VALUE'}. A value that begins with a dash is ` +
      `written in one word, ${spelling}=-x.`,
  )
}

function readLauncher(given: GivenOptions): string | undefined {
  const launcher = given.text('launcher')
  if (launcher === undefined && given.names.has('restarts')) {
    throw new ConfigError(
      '--restarts starts the ranks of a launcher again, but there is none. Give --launcher, or leave it out.',
    )
  }
  return launcher
}

/** Each of the two others means nothing without the printing, so it asks for it. */
function readPrint(given: GivenOptions): PrintOptions | undefined {
  const [tag, keepOrder] = [given.flag('tag'), given.flag('keep-order')]
  return given.flag('print') || tag || keepOrder ? { tag, keepOrder } : undefined
}

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timeoutMs = parseDuration(text, '--timeout')
  if (timeoutMs === 0)
    throw new ConfigError('--timeout was given 0, and no task is that fast. Leave it out for no limit.')
  return timeoutMs
}

function readTimeLimit(text: string | undefined): number | 'auto' | undefined {
  return text === undefined || text === 'auto' ? text : parseDuration(text, '--time-limit')
}

function readHalt(given: GivenOptions): HaltPolicy | undefined {
  const text = given.text('halt')
  if (!given.flag('fail-fast')) return text === undefined ? undefined : parseHalt(text)
  if (text !== undefined)
    throw new ConfigError('--fail-fast and --halt both say when to end early. Leave one out.')
  return FAIL_FAST
}

function readEnvironment(pairs: readonly string[]): Record<string, string> {
  const environment = new Map<string, string>()
  for (const pair of pairs) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? []
    if (name === undefined || value === undefined) {
      throw new ConfigError(`--env was given ${JSON.stringify(pair)}; write it as NAME=VALUE.`)
    }
    if (name.startsWith('MPIBATCH_')) {
      throw new ConfigError(`--env was given ${name}, but names with MPIBATCH_ are set by mpibatch itself.`)
    }
    if (environment.has(name)) throw new ConfigError(`--env was given ${name} twice. Leave one out.`)
    environment.set(name, value)
  }
  return Object.fromEntries(environment)
}

function readSource(given: GivenOptions): SourceOptions {
  const entries = Object.entries({
    argFile: given.path('arg-file'),
    array: given.text('array'),
    csv: given.path('csv'),
    tsv: given.path('tsv'),
    fromJson: given.path('from-json'),
  })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
