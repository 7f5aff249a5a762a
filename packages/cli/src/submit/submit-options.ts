import { ConfigError } from '@mpibatch/batch-core'
import type { Options } from 'yargs'
import { parseCount } from '../input/count.ts'
import { parseDuration } from '../input/duration.ts'
import { parseSlurmTime } from './slurm-time.ts'

/** What `mpibatch submit` was asked for, without the run itself. */
export interface SubmitOptions {
  /** Seconds until Slurm ends the job; `undefined`: the partition's default. */
  readonly timeSeconds: number | undefined
  /** Seconds before that at which the job begins to drain. */
  readonly drainSeconds: number
  /** How often the job may submit its own continuation. */
  readonly continuations: number
  /** What goes to sbatch as it is: words such as `--partition=long`. */
  readonly sbatch: readonly string[]
  /** Whether there may be more than one rank, so that a launcher is needed. */
  readonly needsLauncher: boolean
}

const CONTINUATIONS = 20
const DRAIN_SECONDS_MAX = 300
/** Part of the time limit that is left for draining. */
const DRAIN_PART = 0.25
/** Slurm may send its signal up to a minute early, and takes so long in all. */
const DRAIN_SECONDS_MIN = 60

/** Options of sbatch that submit hands on, by their names there; `flag`s have no value. */
const HANDED_ON: Readonly<
  Record<string, { readonly alias?: string; readonly flag?: true; readonly what: string }>
> = {
  nodes: { alias: 'N', what: 'number of nodes' },
  ntasks: { alias: 'n', what: 'number of ranks' },
  'ntasks-per-node': { what: 'ranks of each node' },
  'cpus-per-task': { alias: 'c', what: 'processors of each rank' },
  mem: { what: 'memory of each node' },
  'mem-per-cpu': { what: 'memory of each processor' },
  partition: { alias: 'p', what: 'partition' },
  account: { alias: 'A', what: 'account' },
  qos: { alias: 'q', what: 'quality of service' },
  constraint: { alias: 'C', what: 'features of the nodes' },
  gres: { what: 'other resources' },
  gpus: { alias: 'G', what: 'number of GPUs' },
  'job-name': { alias: 'J', what: 'name of the job' },
  output: { alias: 'o', what: 'file for what the job prints' },
  nodelist: { alias: 'w', what: 'nodes by name' },
  exclude: { alias: 'x', what: 'nodes that it must not get' },
  reservation: { what: 'reservation' },
  'mail-type': { what: 'when to send mail' },
  'mail-user': { what: 'to whom' },
  exclusive: { flag: true, what: 'whole nodes' },
}

/** The options of `mpibatch submit`, as yargs describes them. */
export const SUBMIT_OPTIONS: Readonly<Record<string, Options>> = {
  time: {
    type: 'string',
    alias: 't',
    requiresArg: true,
    describe: 'time limit of each job: 1:30:00, 90 (minutes), 2-00, 1h30m',
  },
  drain: {
    type: 'string',
    requiresArg: true,
    describe: 'begin to drain so long before the time limit (a quarter of it, at most 5m)',
  },
  continue: {
    type: 'string',
    requiresArg: true,
    describe: `submit a continuation while tasks are open, at most N times (${CONTINUATIONS})`,
  },
  ...Object.fromEntries(
    Object.entries(HANDED_ON).map(([name, { alias, flag, what }]): [string, Options] => [
      name,
      {
        ...(alias === undefined ? {} : { alias }),
        ...(flag === true ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
        describe: `for sbatch: ${what}`,
      },
    ]),
  ),
  sbatch: {
    type: 'array',
    string: true,
    nargs: 1,
    describe: "any other word for sbatch: --sbatch='--begin=now+1hour'",
  },
  print: { type: 'boolean', describe: 'print the script, and send nothing' },
}

/**
 * Reads the options of `mpibatch submit`.
 *
 * @throws {@link ConfigError} with one sentence for what can't be.
 */
export function readSubmitOptions(values: Readonly<Record<string, unknown>>): SubmitOptions {
  const timeSeconds = typeof values.time === 'string' ? parseSlurmTime(values.time) : undefined
  const handedOn = Object.entries(HANDED_ON).flatMap(([name, { flag }]) => {
    const value = values[name]
    if (value === undefined || value === false) return []
    if (Array.isArray(value))
      throw new ConfigError(`--${name} was given ${value.length} times; it takes one value.`)
    return [flag === true ? `--${name}` : `--${name}=${oneLine(String(value), name)}`]
  })
  const others = ((values.sbatch as string[] | undefined) ?? []).map((word) => oneLine(word, 'sbatch'))
  const rankCounts = [values.nodes, values.ntasks, values['ntasks-per-node']]
  return {
    timeSeconds,
    drainSeconds: readDrain(values.drain, timeSeconds),
    continuations: readContinuations(values.continue),
    sbatch: [...handedOn, ...others],
    needsLauncher: rankCounts.some((count) => count !== undefined && count !== '1'),
  }
}

function readDrain(given: unknown, timeSeconds: number | undefined): number {
  if (typeof given === 'string') {
    const drainSeconds = Math.ceil(parseDuration(given, '--drain') / 1000)
    if (timeSeconds === undefined || drainSeconds < timeSeconds) return drainSeconds
    throw new ConfigError('--drain leaves no time before it: it has to be shorter than --time.')
  }
  const part = timeSeconds === undefined ? DRAIN_SECONDS_MAX : Math.floor(timeSeconds * DRAIN_PART)
  const most = timeSeconds === undefined ? DRAIN_SECONDS_MAX : Math.max(1, Math.floor(timeSeconds / 2))
  return Math.min(DRAIN_SECONDS_MAX, most, Math.max(DRAIN_SECONDS_MIN, part))
}

function readContinuations(given: unknown): number {
  if (given === undefined) return CONTINUATIONS
  return parseCount(String(given), { what: '--continue', min: 0, max: 10_000 })
}

/** A line of its own in a script would mean something else there. */
function oneLine(text: string, name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text
  throw new ConfigError(`--${name} was given a text with control characters. Leave them out.`)
}
