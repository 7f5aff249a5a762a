import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { promisify } from 'node:util'
import { ConfigError, SchedulerError } from '@mpibatch/batch-core'
import { EXIT_CODE } from '../exit-code.ts'
import { type RunRequest, readRunRequest } from '../input/run-request.ts'
import { readsStandardInput } from '../input/task-source.ts'
import { batchScript } from '../submit/batch-script.ts'
import { goesOn } from '../submit/continuation.ts'
import { JobWatch } from '../submit/job-watch.ts'
import { readSubmitOptions, SUBMIT_OPTIONS, type SubmitOptions } from '../submit/submit-options.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { runCommand } from './run.ts'

/** Inside of a job: how often it may still submit its continuation. Not for users. */
const INSIDE = 'inside'
/** What starts the ranks where there may be several: it finds the nodes of a Slurm job by itself. */
const LAUNCHER = '--launcher=mpirun'

/** `mpibatch submit [--time … --nodes …] -- run …`: a Slurm job that drains before its time limit and continues itself. */
export const submitCommand: Command = {
  async run(argv) {
    const dashes = argv.indexOf('--')
    const head = dashes < 0 ? argv : argv.slice(0, dashes)
    const { words, values } = await parseArguments(head, {
      usage: 'submit [OPTIONS] -- run …',
      options: { ...SUBMIT_OPTIONS, [INSIDE]: { type: 'string', hidden: true } },
    })
    const options = readSubmitOptions(values)
    const runWords = readRunWords(words, dashes < 0 ? [] : argv.slice(dashes + 1))
    const request = readRunRequest(runWords)
    if (request.work === undefined) return await runCommand.run(runWords)
    checkInput(request)
    const plan: SubmitPlan = {
      options: { ...options, sbatch: [...options.sbatch, ...processorsFor(request, options)] },
      submitWords: head.filter((word) => word !== '--print' && !word.startsWith(`--${INSIDE}`)),
      runWords: withLauncher(runWords, { request, options }),
      hasTimeLimit: request.options.given.has('time-limit'),
    }
    const inside = values[INSIDE]
    if (typeof inside === 'string') return await runInside(plan, Number(inside))
    const script = scriptOf(plan, options.continuations)
    if (values.print === true) process.stdout.write(script)
    else process.stdout.write(await sendScript(script))
    return EXIT_CODE.done
  },
}

/** A job as it is submitted, and submitted again. */
interface SubmitPlan {
  readonly options: SubmitOptions
  /** The own words of submit. */
  readonly submitWords: readonly string[]
  readonly runWords: readonly string[]
  readonly hasTimeLimit: boolean
}

function readRunWords(words: readonly string[], behind: readonly string[]): readonly string[] {
  const [command, ...runWords] = behind
  if (words.length === 0 && command === 'run') return runWords
  throw new ConfigError(
    'What the job runs stands behind --, as on a command line of its own: mpibatch submit --time 1:00:00 -- run -a list.txt -- ./work {}',
  )
}

function checkInput({ source, options }: RunRequest): void {
  if (source !== undefined && readsStandardInput(source)) {
    throw new ConfigError('A job has no standard input. Write the list into a file, and name that.')
  }
  if (options.dryRun)
    throw new ConfigError('--dry-run starts nothing, so there is nothing to submit. Leave submit out.')
}

function withLauncher(
  runWords: readonly string[],
  { request, options }: { readonly request: RunRequest; readonly options: SubmitOptions },
): readonly string[] {
  if (!options.needsLauncher || request.options.launcher !== undefined) return runWords
  return [LAUNCHER, ...runWords]
}

/** A job whose run says how many slots it has wants as many processors. */
function processorsFor({ options }: RunRequest, { sbatch, needsLauncher }: SubmitOptions): readonly string[] {
  const isSaid =
    needsLauncher ||
    options.launcher !== undefined ||
    sbatch.some((word) => /^(--cpus-per-task|-c)/.test(word))
  return options.given.has('jobs') && !isSaid ? [`--cpus-per-task=${options.jobs}`] : []
}

function scriptOf({ options, submitWords, runWords }: SubmitPlan, left: number): string {
  const program = process.argv[1]
  if (program === undefined) throw new Error('A process without a script was to write one that starts it')
  return batchScript({
    options,
    left,
    program: [process.execPath, realpathSync(program)],
    submitWords,
    runWords,
  })
}

/** What a job does: it runs, and submits its continuation where there is more to do. */
async function runInside(plan: SubmitPlan, left: number): Promise<number> {
  const watch = new JobWatch(plan.options.drainSeconds)
  const exitCode = await runCommand.run(plan.runWords)
  const { isDrained, isCancelled } = watch
  if (!goesOn({ exitCode, isDrained, isCancelled, hasTimeLimit: plan.hasTimeLimit })) return exitCode
  if (left <= 0) {
    say('Tasks are open, but no continuation is left. Submit the same line again to go on.')
    return exitCode
  }
  const submitted = await sendScript(scriptOf(plan, left - 1))
  say(`Tasks are open, so the job goes on in another: ${submitted.trim()}.`)
  // This part has done what it was to do.
  return EXIT_CODE.done
}

function say(text: string): void {
  process.stderr.write(`mpibatch: ${text}\n`)
}

/** @returns What sbatch says. @throws {@link SchedulerError} if it takes no job. */
async function sendScript(script: string): Promise<string> {
  // A job's own settings would stand before those of the script.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SBATCH_')),
  )
  const sending = promisify(execFile)('sbatch', [], { env: environment })
  sending.child.stdin?.on('error', () => undefined)
  sending.child.stdin?.end(script)
  try {
    return (await sending).stdout
  } catch (error) {
    const { code, stderr = '', message } = error as Error & { code?: unknown; stderr?: string }
    // Such as ENOENT, from the system; the program's own is a number.
    if (typeof code === 'string') {
      throw new SchedulerError(
        `sbatch can't be started (${message}). Is this a login node of a cluster with Slurm?`,
      )
    }
    throw new SchedulerError(`sbatch took no job: ${stderr.trim() || `exit code ${code}`}`)
  }
}
