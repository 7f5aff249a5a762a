import { ConfigError } from '@mpibatch/batch-core'
import { EXIT_CODE } from '../exit-code.ts'
import { runOptionsHelp } from '../input/options.ts'
import { type RunRequest, readRunRequest } from '../input/run-request.ts'
import { SupervisorReport, takeSupervisorToken } from '../launch/supervised.ts'
import { findLauncher } from '../mpi/find-launcher.ts'
import { ProgressDisplay } from '../output/progress-display.ts'
import { reportError } from '../output/report-error.ts'
import type { JobLog } from '../run/job-log.ts'
import { openJobLog } from '../run/open-job-log.ts'
import { type RunSummary, summarize, summaryLines } from '../run/run-summary.ts'
import { StopControl } from '../run/stop-control.ts'
import { findTimeLimit } from '../run/time-limit.ts'
import type { Command } from './command.ts'

/** What a run tells the command that started it. */
export type RunOutcome = Pick<Parameters<typeof summarize>[0], 'root' | 'counts'> & {
  /** Exit code that stands before that of the counts, of a job script that failed. */
  readonly failureExitCode?: number | undefined
}

/** What every kind of run works with. */
export interface RunContext {
  readonly request: RunRequest
  readonly stop: StopControl
  readonly progress: ProgressDisplay
  /** Only on the process that keeps it, and only if it was asked for. */
  readonly jobLog?: JobLog | undefined
  /** Milliseconds until nothing is to run any more; `undefined`: no limit. Equal on all ranks. */
  readonly timeLimitMs: number | undefined
}

/** `mpibatch run`: a command, or a job script, once per task. */
export const runCommand: Command = {
  async run(argv) {
    const { token, words } = takeSupervisorToken(argv)
    if (token === undefined) return await run(words, new SupervisorReport(undefined))
    const supervisor = new SupervisorReport(token)
    const exitCode = await run(words, supervisor).catch((error: unknown) =>
      reportError(error, { debug: words.includes('--debug') }),
    )
    supervisor.ended(exitCode)
    return exitCode
  },
}

async function run(argv: readonly string[], supervisor: SupervisorReport): Promise<number> {
  const launcher = await findLauncher()
  // Each rank finds the same mistakes and has the same help; the first one tells.
  const isSilent = (launcher?.rank ?? 0) > 0
  let request: RunRequest
  try {
    request = readRunRequest(argv)
  } catch (error) {
    if (isSilent) return EXIT_CODE.done
    throw error
  }
  const { options, work } = request
  if (isSilent && (work === undefined || options.dryRun)) return EXIT_CODE.done
  if (work === undefined) {
    process.stdout.write(`${USAGE}\n${runOptionsHelp()}\n`)
    return EXIT_CODE.done
  }
  if (options.dryRun) {
    const { showPlan } = await import('../run/dry-run.ts')
    return await showPlan(request)
  }
  if (options.launcher !== undefined) {
    if (isSilent) return EXIT_CODE.done
    if (launcher !== undefined) throw launchedTwice(launcher.name)
    const { runLaunched } = await import('../launch/run-launched.ts')
    return await runLaunched(argv, request)
  }
  const startedMs = performance.now()
  const finish = (outcome: RunOutcome, stop: StopControl): number => {
    const hasTimeLimit = options.timeLimit !== undefined
    const summary = summarize({ ...outcome, durationMs: performance.now() - startedMs, stop, hasTimeLimit })
    const exitCode = outcome.failureExitCode ?? summary.exitCode
    report({ ...summary, exitCode }, options.json)
    return exitCode
  }
  if (launcher !== undefined) {
    const { runUnderMpi } = await import('../mpi/mpi-run.ts')
    return await runUnderMpi({ request, launcher, supervisor, finish })
  }
  return await runHere(request, { supervisor, finish })
}

/** Runs in this process and its threads. */
async function runHere(
  request: RunRequest,
  options: {
    readonly supervisor: SupervisorReport
    readonly finish: (outcome: RunOutcome, stop: StopControl) => number
  },
): Promise<number> {
  const { supervisor, finish } = options
  const progress = new ProgressDisplay(request.options.progress)
  const supervised = supervisor.token !== undefined
  const stop = new StopControl((text) => progress.message(text), { supervised })
  if (supervised) stop.listenToSignals()
  supervisor.started()
  let jobLog: JobLog | undefined
  try {
    jobLog = await openJobLog(request.options, progress)
    const timeLimitMs = await findTimeLimit(request.options.timeLimit)
    const context = { request, stop, progress, jobLog, timeLimitMs }
    const outcome = request.work?.kind === 'script' ? await runScript(context) : await runCommands(context)
    return finish(outcome, stop)
  } finally {
    jobLog?.close()
    progress.stop()
    stop.ignoreSignals()
  }
}

function launchedTwice(launcher: string): ConfigError {
  return new ConfigError(
    `This process was started by ${launcher} already, and --launcher would start more. Leave out one of them.`,
  )
}

async function runCommands(context: RunContext): Promise<RunOutcome> {
  const { runCommandTasks } = await import('../run/command-run.ts')
  return await runCommandTasks(context)
}

async function runScript(context: RunContext): Promise<RunOutcome> {
  const { runJobScript } = await import('../run/script-run.ts')
  return await runJobScript(context)
}

function report(summary: RunSummary, json: boolean): void {
  // A script that ended before it opened a batch has said why; there is nothing to sum up.
  const lines = summary.tasks === 0 ? [] : summaryLines(summary)
  for (const line of lines) process.stderr.write(`${line}\n`)
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
}

const USAGE = `mpibatch run [options] -- COMMAND [ARG…]    run COMMAND once per task, without a shell
mpibatch run [options] -c 'COMMAND LINE'    the same through /bin/sh; values are quoted
mpibatch run [options] JOB.mjs [-- ARG…]    run a job script in every rank

Tasks come from one of: -a FILE, --array SPEC, --csv FILE, --tsv FILE, --from-json FILE, or lists behind the command:
  ::: VALUE…   a list (several: all combinations)      :::+ VALUE…   paired with the list before
  :::: FILE…   lists from files                        ::::+ FILE…   paired
Without any, a command runs on the tasks that --root already holds, and a job script brings its own.

Started by mpirun, mpiexec or srun, all ranks share the tasks of one run; --launcher starts them, and again when one is lost.

Placeholders: {} value  {.} without extension  {/} base name  {//} directory  {/.} base name without extension
  {#} task number  {%} slot  {1} {2} value of a list  {column}  {name} {dir} {attempt}  {{ a brace
Without any, the value is appended.
`
