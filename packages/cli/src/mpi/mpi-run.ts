/**
 * `mpirun -n 4 mpibatch run …`: the ranks of an MPI job run the tasks of one batch together.
 *
 * Rank 0 alone reads the list, shows progress and prints the summary; its exit code is that of the run. The others say
 * only what went wrong on them, with their rank in front. A stop that one rank is asked for reaches all
 * (`stop-spread.ts`), and an error of one ends the job (`rank-end.ts`), within two seconds where the others can't come
 * to the end.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { MpiError } from '@mpibatch/batch-core'
import { type LauncherFacts, type MpiJob, openMpiJob } from '@mpibatch/native-mpi'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import { exitCodeFor, exitCodeOf } from '../error-exit-code.ts'
import { EXIT_CODE } from '../exit-code.ts'
import type { RunRequest } from '../input/run-request.ts'
import { showLife } from '../launch/rank-watch.ts'
import type { SupervisorReport } from '../launch/supervised.ts'
import { ProgressDisplay } from '../output/progress-display.ts'
import type { JobLog } from '../run/job-log.ts'
import { openJobLog } from '../run/open-job-log.ts'
import { StopControl } from '../run/stop-control.ts'
import { findTimeLimit } from '../run/time-limit.ts'
import { runMpiCommands } from './mpi-commands.ts'
import { runMpiScript } from './mpi-script.ts'
import { isLoss, meetAtEnd, type RankFailure, rankFailure } from './rank-end.ts'
import { shareFound } from './share-found.ts'
import { StopSpread } from './stop-spread.ts'

/** What {@link runUnderMpi} needs. */
export interface MpiRunOptions {
  readonly request: RunRequest
  readonly launcher: LauncherFacts
  readonly supervisor: SupervisorReport
  /** Prints the summary of a run that has ended, and gives its exit code; on rank 0. */
  readonly finish: (outcome: RunOutcome, stop: StopControl) => number
}

/** How long other ranks leave it to rank 0 to say that MPI can't be opened, milliseconds. */
const RANK_ZERO_MS = 1000
/** The same where rank 0 does not know of them; its MPI may start more slowly than theirs. */
const RANK_ZERO_ALONE_MS = 2000
/** How long other ranks leave it to rank 0 to end a job script that is to be interrupted. */
const INTERRUPT_MS = 2000

/** Runs this rank's part to its end. @returns The exit code of this process. */
export async function runUnderMpi(options: MpiRunOptions): Promise<number> {
  const { request, launcher, supervisor } = options
  writeAtOnce()
  // Known before MPI is, and needed when that fails.
  const isFirst = (launcher.rank ?? 0) === 0
  supervisor.speaks = isFirst
  const { progress: style } = request.options
  // A launcher's terminal is not the user's.
  const progress = new ProgressDisplay(isFirst ? (style === 'auto' ? 'plain' : style) : 'none')
  const supervised = supervisor.token !== undefined
  const stop = new StopControl((text) => isFirst && progress.message(text), { supervised })
  stop.listenToSignals()
  supervisor.started()
  let job: MpiJob
  try {
    const { token } = supervisor
    job = await openMpiJob(token === undefined ? {} : { supervisorToken: token })
  } catch (error) {
    if (isFirst) throw error
    // Where library and launcher don't belong together, each rank is alone with that, and rank 0 says it for all.
    // A launcher may end all ranks as soon as one has ended, so the others wait for that.
    if (error instanceof MpiError && error.details.launched !== undefined) {
      await pause(RANK_ZERO_ALONE_MS)
      return exitCodeFor(error)
    }
    await pause(RANK_ZERO_MS)
    throw error
  }
  const { rank, size } = job.communicator
  if (supervisor.token !== undefined) showLife(supervisor.token, { rank, size })
  const say = (text: string): void => progress.message(rank === 0 ? text : `rank ${rank}: ${text}`)
  return await new RankRun({ ...options, job, stop, progress, say }).run()
}

interface RankRunParts extends MpiRunOptions {
  readonly job: MpiJob
  readonly stop: StopControl
  readonly progress: ProgressDisplay
  readonly say: (text: string) => void
}

/** What came of a rank's part. */
interface RankWork {
  readonly outcome?: RunOutcome
  readonly failure?: RankFailure
  readonly leaving?: RankFailure
}

const LEFT_OPEN: RankFailure = {
  message:
    'The job script ended here without closing what it has opened with the other ranks (a batch, a lock, an array), and they still wait. Call close() of it on every rank.',
  code: '',
  exitCode: EXIT_CODE.notDone,
}

/** One rank of a job whose MPI is open. */
class RankRun {
  readonly #parts: RankRunParts

  constructor(parts: RankRunParts) {
    this.#parts = parts
    process.prependListener('uncaughtExceptionMonitor', (error) => this.#onUncaught(error))
    if (this.#isScript) whenInterrupted(parts.stop, () => this.#interruptScript())
  }

  async run(): Promise<number> {
    const { job, stop, finish } = this.#parts
    const { communicator } = job
    const [stops, ends] = [await communicator.duplicate(), await communicator.duplicate()]
    const spread = new StopSpread(stops, stop)
    const { outcome, failure, leaving } = await this.#work()
    const told = await meetAtEnd({
      job,
      communicator: ends,
      failure,
      leaving,
      say: this.#parts.say,
      beforeAbort: (exitCode) => this.#tellSupervisor(failure ?? leaving, exitCode),
    })
    await spread.close()
    const exitCode = this.#exitCode(told ?? failure, outcome, finish)
    // Before any rank ends: launchers end the others when one ends with another code than 0.
    this.#parts.supervisor.ended(exitCode)
    await job.close()
    stop.ignoreSignals()
    return exitCode
  }

  get #isScript(): boolean {
    return this.#parts.request.work?.kind === 'script'
  }

  async #work(): Promise<RankWork> {
    const { job, request, stop, progress, say } = this.#parts
    let jobLog: JobLog | undefined
    try {
      if (job.facts.rank === 0) jobLog = await openJobLog(request.options, progress)
      const { timeLimit } = request.options
      const timeLimitMs = await shareFound(job.communicator, () => findTimeLimit(timeLimit))
      const context: RunContext = { request, stop, progress, jobLog, timeLimitMs }
      if (!this.#isScript) return { outcome: await runMpiCommands(context, { job, onMessage: say }) }
      const outcome = await runMpiScript(context, { job })
      return { outcome, ...(outcome.leftOpen ? { leaving: LEFT_OPEN } : {}) }
    } catch (error) {
      progress.stop()
      return { failure: this.#isScript ? scriptFailure(error, job.facts.rank) : rankFailure(error) }
    } finally {
      jobLog?.close()
    }
  }

  #exitCode(
    failure: RankFailure | undefined,
    outcome: RunOutcome | undefined,
    finish: MpiRunOptions['finish'],
  ): number {
    if (this.#parts.job.facts.rank > 0) return EXIT_CODE.done
    if (failure !== undefined || outcome === undefined) return failure?.exitCode ?? EXIT_CODE.bug
    return finish(outcome, this.#parts.stop)
  }

  /** The run is over by an error, unless that only says that a rank was lost: then it may be started again. */
  #tellSupervisor(failure: RankFailure | undefined, exitCode: number): void {
    if (failure !== undefined && isLoss(failure)) return
    this.#parts.supervisor.speaks = true
    this.#parts.supervisor.ended(exitCode)
  }

  /** Nobody has caught it: the job can't go on. */
  #onUncaught(error: unknown): void {
    const { job, say } = this.#parts
    const failure = this.#isScript ? scriptFailure(error, job.facts.rank) : rankFailure(error)
    say(error instanceof MpiError ? error.message : inspect(error))
    this.#tellSupervisor(failure, failure.exitCode)
    job.abort(failure.exitCode)
  }

  /** JavaScript can't be broken off from outside, so the job is; the next run takes over what it had begun. */
  #interruptScript(): void {
    const { job, stop, say, supervisor } = this.#parts
    const exitCode = stop.exitCode ?? EXIT_CODE.notDone
    const end = (): void => {
      say('The job script was interrupted. Run the same line again to go on.')
      supervisor.speaks = true
      supervisor.ended(exitCode)
      job.abort(exitCode)
    }
    if (job.facts.rank === 0) end()
    else setTimeout(end, INTERRUPT_MS).unref()
  }
}

function whenInterrupted(stop: StopControl, act: () => void): void {
  if (stop.interrupt.aborted) act()
  else stop.interrupt.addEventListener('abort', act, { once: true })
}

/** An error that a job script threw: one of ours says enough; of others, the stack says where. */
function scriptFailure(error: unknown, rank: number): RankFailure {
  const failure = rankFailure(error)
  const known = exitCodeOf(failure.code)
  if (known === undefined) {
    const message = `The job script failed on rank ${rank}: ${inspect(error)}`
    return { ...failure, message, exitCode: EXIT_CODE.notDone }
  }
  const ends = known === EXIT_CODE.usage || known === EXIT_CODE.environment
  return { ...failure, exitCode: ends ? known : EXIT_CODE.notDone }
}

/** Lines of a process that ends are lost where they wait in it; launchers give it pipes that may do that. */
function writeAtOnce(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const { _handle } = stream as unknown as {
      readonly _handle?: { setBlocking?(isBlocking: boolean): void }
    }
    _handle?.setBlocking?.(true)
  }
}
