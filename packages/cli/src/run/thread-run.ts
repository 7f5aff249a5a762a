/**
 * Runs a job script on ranks that are threads of this process, and watches the batches that it opens.
 */
import {
  type AnnouncedBatch,
  type MpibatchError,
  type RuntimeOptions,
  type StoreLease,
  startThreads,
  type TaskCounts,
  TaskTable,
  type ThreadFailure,
  type ThreadJob,
} from '@mpibatch/batch-core'
import { createFsStateProvider, leaseOf } from '@mpibatch/fs-state'
import { exitCodeOf } from '../error-exit-code.ts'
import { EXIT_CODE } from '../exit-code.ts'
import type { HaltPolicy } from '../input/halt.ts'
import type { ProgressDisplay } from '../output/progress-display.ts'
import { haltOnCounts } from './halt-watch.ts'
import type { JobLog } from './job-log.ts'
import { RankOutput } from './rank-output.ts'
import type { StopControl } from './stop-control.ts'
import { totalCounts } from './total-counts.ts'

/** What {@link runThreads} needs. */
export interface ThreadRunOptions {
  readonly script: string
  readonly scriptArguments: readonly string[]
  /** Number of ranks. */
  readonly ranks: number
  /** What the command line says about the script's batches. */
  readonly options: RuntimeOptions
  readonly halt: HaltPolicy | undefined
  readonly stop: StopControl
  readonly progress: ProgressDisplay
  readonly jobLog: JobLog | undefined
  readonly debug: boolean
}

/** What became of the job. */
export interface ThreadRunResult {
  /** Counts over all batches that the script opened. */
  readonly counts: TaskCounts
  /** Root of the batch, if the script opened one, with a root. */
  readonly root: string | null
  /** Whether the script opened a batch, or asked for its ranks. */
  readonly usedRanks: boolean
  /** Exit code of a script that failed; `undefined` if it ended well. */
  readonly failureExitCode: number | undefined
}

/** Runs the script to its end, or until it is stopped. */
export async function runThreads(options: ThreadRunOptions): Promise<ThreadRunResult> {
  const { stop, progress } = options
  const batches: { announced: AnnouncedBatch; table: TaskTable }[] = []
  const counts = (): TaskCounts => totalCounts((state) => batches.map(({ table }) => table.count(state)))
  const output = new RankOutput((stream, lines) => progress.writeLines(stream, lines))
  const job = startThreads({
    count: options.ranks,
    script: options.script,
    argv: options.scriptArguments,
    options: options.options,
    ...(progress.isBar ? { onOutput: (piece) => output.take(piece) } : {}),
  })
  const leases: StoreLease[] = []
  job.onBatch((announced) => {
    batches.push({ announced, table: new TaskTable(announced.table) })
    options.jobLog?.follow(announced)
    const lease = leaseOf(announced.ticket)
    if (lease !== undefined) leases.push(endWhenLost(lease, job))
    progress.start(counts)
  })
  followStop(job, stop)
  const watch = haltOnCounts(options.halt, { counts, stop })
  const result = await job.ended
  output.end()
  watch.stop()
  progress.stop()
  // Ranks that were ended hold claims that nobody will publish any more.
  for (const batch of batches) await giveClaimsBack(batch)
  const failure = result.terminated ? undefined : result.failure
  if (failure !== undefined) reportFailure(failure, options)
  const lost = leases.some(({ state }) => state === 'lost')
  if (lost && failure === undefined) progress.message(LOST)
  return {
    counts: counts(),
    root: batches.find(({ announced }) => announced.root !== null)?.announced.root ?? null,
    usedRanks: batches.length > 0 || Atomics.load(job.stop, 1) === 1,
    failureExitCode: lost ? EXIT_CODE.environment : failure && exitCodeOfFailure(failure),
  }
}

const LOST =
  'This run was declared dead by another one, because its machine or its disk did not answer for too long, so it was ended. Run the same line again to go on.'

/** Ends the ranks when others have their tasks: a script that only computes hears nothing else. */
function endWhenLost(lease: StoreLease, job: ThreadJob): StoreLease {
  lease.onChange((state) => {
    if (state === 'lost') void job.terminate()
  })
  return lease
}

function followStop(job: ThreadJob, stop: StopControl): void {
  const whenAborted = (signal: AbortSignal, action: () => void): void => {
    if (signal.aborted) action()
    else signal.addEventListener('abort', action, { once: true })
  }
  whenAborted(stop.drain, () => job.drain())
  whenAborted(stop.interrupt, () => void job.terminate())
}

async function giveClaimsBack({
  announced,
  table,
}: {
  announced: AnnouncedBatch
  table: TaskTable
}): Promise<void> {
  const { root, tasks, ticket } = announced
  const running = table.tasksIn('RUNNING')
  if (root === null || ticket === undefined || running.length === 0) return
  const provider = createFsStateProvider({ root, durability: 'terminal', acceptChanges: false })
  // The threads have the ranks from 0; this one stands behind them.
  const store = await provider.attach(ticket, tasks, SETTLING_RANK)
  await store.settle(running)
  await store.close()
}

/** Process number of the thread that gives back what ended ranks held; no job has as many ranks. */
const SETTLING_RANK = 1_000_000

function reportFailure({ rank, error }: ThreadFailure, { progress, script, debug }: ThreadRunOptions): void {
  const known = exitCodeOf((error as Partial<MpibatchError>).code) !== undefined
  progress.message(known ? error.message : `${script} failed on rank ${rank}: ${error.message}`)
  if ((!known || debug) && error.stack !== undefined) process.stderr.write(`${error.stack}\n`)
}

function exitCodeOfFailure({ error }: ThreadFailure): number {
  const code = exitCodeOf((error as Partial<MpibatchError>).code)
  return code === EXIT_CODE.usage || code === EXIT_CODE.environment ? code : EXIT_CODE.notDone
}
