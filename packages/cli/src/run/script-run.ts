import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, groupLayout, type RuntimeOptions } from '@mpibatch/batch-core'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import type { RunOptions } from '../input/options.ts'
import type { RunRequest } from '../input/run-request.ts'
import type { TaskList } from '../input/task-list.ts'
import { defineTasks } from '../input/task-name.ts'
import { readTaskList } from '../input/task-source.ts'
import { runThreads } from './thread-run.ts'

/** Runs a job script in every rank; ranks are threads of this process. */
export async function runJobScript({
  request,
  stop,
  progress,
  jobLog,
  timeLimitMs,
}: RunContext): Promise<RunOutcome> {
  const { options, work } = request
  if (work?.kind !== 'script') throw new Error('A job script was asked for without one')
  checkScriptRun(request)
  if (options.given.has('group-size')) groupLayout({ size: options.jobs, groupSize: options.groupSize })
  const fromCommandLine = runtimeOptions({ request, timeLimitMs }, readScriptList(request))
  // Only now: reading a list from standard input holds up this thread, and Ctrl-C must end that at once.
  stop.listenToSignals()
  const result = await runThreads({
    script: resolve(work.path),
    scriptArguments: work.scriptArguments,
    ranks: options.jobs,
    options: fromCommandLine,
    halt: options.halt,
    stop,
    progress,
    jobLog,
    debug: options.debug,
  })
  if (!result.usedRanks && result.failureExitCode === undefined && stop.cause === undefined) {
    progress.message(`${work.path} opened no batch, so it ran as it is in each of ${options.jobs} ranks.`)
  }
  return result
}

/**
 * Makes sure that a job script can be run with these options.
 *
 * @throws {@link ConfigError} if not.
 */
export function checkScriptRun({ options, work }: RunRequest): void {
  if (work?.kind !== 'script') throw new Error('A job script was asked for without one')
  checkScript(work.path)
  checkOptions(options)
}

/** Reads the tasks that the command line names; `undefined` if it names none. */
export function readScriptList({ source }: RunRequest): TaskList | undefined {
  return source === undefined ? undefined : readTaskList(source)
}

const TYPESCRIPT = /\.[cm]?ts$/

function checkScript(path: string): void {
  if (!existsSync(path)) throw new ConfigError(`The job script ${JSON.stringify(path)} does not exist.`)
  if (!statSync(path).isFile()) throw new ConfigError(`The job script ${JSON.stringify(path)} is not a file.`)
  const features = process.features as { typescript?: string | false }
  if (TYPESCRIPT.test(path) && !features.typescript) {
    throw new ConfigError(
      `The job script ${JSON.stringify(path)} is TypeScript, which Node ${process.versions.node} does not run. ` +
        'Take Node 22.18 or newer, or compile it.',
    )
  }
}

/** Options that say how a command is run; a job script runs no commands. */
const COMMAND_OPTIONS = [
  'timeout',
  'in-task-dir',
  'env',
  'logs',
  'group-exec',
  'print',
  'tag',
  'keep-order',
] as const

function checkOptions(options: RunOptions): void {
  const misplaced = COMMAND_OPTIONS.find((name) => options.given.has(name))
  if (misplaced !== undefined) {
    throw new ConfigError(`--${misplaced} is for commands; a job script does its own work. Leave it out.`)
  }
}

/** What the command line says; what it leaves open, the script decides. */
export function runtimeOptions(
  { request, timeLimitMs }: Pick<RunContext, 'request' | 'timeLimitMs'>,
  list: TaskList | undefined,
): RuntimeOptions {
  const { options } = request
  const pick = <K extends keyof RuntimeOptions & keyof RunOptions>(
    option: string,
    key: K,
  ): Partial<RuntimeOptions> => (options.given.has(option) ? { [key]: options[key] } : {})
  return {
    ...(options.given.has('root') ? { root: resolve(options.root) } : {}),
    ...pick('group-size', 'groupSize'),
    ...pick('retries', 'retries'),
    ...pick('retry-delay', 'retryDelayMs'),
    ...pick('retry-failed', 'retryFailed'),
    ...pick('rerun', 'rerun'),
    ...pick('steal-running', 'stealRunning'),
    ...pick('accept-changes', 'acceptChanges'),
    ...pick('crash-limit', 'crashLimit'),
    ...pick('wait', 'wait'),
    ...(Object.keys(options.liveness).length === 0 ? {} : { liveness: options.liveness }),
    ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    ...pick('order', 'order'),
    ...pick('durability', 'durability'),
    ...(list === undefined ? {} : { tasks: defineTasks(list, options.nameTemplate) }),
  }
}
