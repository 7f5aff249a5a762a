import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, groupLayout, STOP_DRAIN, setRuntime, type TaskCounts } from '@mpibatch/batch-core'
import type { MpiJob } from '@mpibatch/native-mpi'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import { haltOnCounts } from '../run/halt-watch.ts'
import { checkScriptRun, readScriptList, runtimeOptions } from '../run/script-run.ts'
import { totalCounts } from '../run/total-counts.ts'
import { countDuplicates } from './open-count.ts'
import { shareList } from './share-list.ts'

/** A batch that the script has opened. */
interface OpenedBatch {
  readonly root: string | null
  readonly counts: () => TaskCounts
}

/** What became of a script on this rank. */
export interface MpiScriptOutcome extends RunOutcome {
  /** Whether it has left a batch open; the others may wait for this rank then. */
  readonly leftOpen: boolean
}

/**
 * Runs a job script in this process, as one rank of many. Collective over the job.
 *
 * @throws What the script throws.
 */
export async function runMpiScript(
  { request, stop, progress, jobLog, timeLimitMs }: RunContext,
  { job }: { readonly job: MpiJob },
): Promise<MpiScriptOutcome> {
  const { options, work, source } = request
  if (work?.kind !== 'script') throw new Error('A job script was asked for without one')
  const { communicator } = job
  checkScriptRun(request)
  if (options.given.has('jobs')) {
    throw new ConfigError(
      'Under MPI, a job script runs once in each rank that the launcher starts. Leave --jobs out.',
    )
  }
  if (options.given.has('group-size')) {
    groupLayout({ size: communicator.size, groupSize: options.groupSize })
  }
  const list =
    source === undefined ? undefined : await shareList(communicator, () => mustRead(readScriptList(request)))
  const batches: OpenedBatch[] = []
  const counts = (): TaskCounts => totalCounts((state) => batches.map((batch) => batch.counts()[state]))
  const counted = countDuplicates(communicator)
  const stopWord = new Int32Array(1)
  setRuntime({
    protocol: 1,
    communicator: counted.communicator,
    options: runtimeOptions({ request, timeLimitMs }, list),
    stop: stopWord,
    announce: (batch) => {
      batches.push(batch)
      jobLog?.follow(batch)
      progress.start(counts)
    },
  })
  const drain = (): void => void Atomics.store(stopWord, 0, STOP_DRAIN)
  if (stop.drain.aborted) drain()
  stop.drain.addEventListener('abort', drain)
  const watch = haltOnCounts(options.halt, { counts, stop })
  try {
    await importToEnd(resolve(work.path), work.scriptArguments)
  } finally {
    watch.stop()
    progress.stop()
    setRuntime(undefined)
  }
  return {
    root: batches.find(({ root }) => root !== null)?.root ?? null,
    counts: counts(),
    leftOpen: counted.openCount() > 0,
  }
}

function mustRead<T>(list: T | undefined): T {
  if (list === undefined) throw new Error('A list of tasks was to be read that nobody named')
  return list
}

/** Runs a script until nothing of it is left to wait for, also where it starts work that its module does not await. */
async function importToEnd(script: string, scriptArguments: readonly string[]): Promise<void> {
  // Scripts that ask whether they are the program's main file compare with this.
  process.argv.splice(1, process.argv.length, script, ...scriptArguments)
  await import(pathToFileURL(script).href)
  await new Promise<void>((done) => process.once('beforeExit', () => done()))
}
