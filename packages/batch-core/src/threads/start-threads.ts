import { once } from 'node:events'
import { resolve as resolvePath } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads'
import { RankLostError, UsageError } from '../errors.ts'
import { type AnnouncedBatch, type RuntimeOptions, STOP_DRAIN } from '../runtime.ts'
import { unpackTasks } from './packed-tasks.ts'
import type { ThreadReport, ThreadSetup } from './thread-setup.ts'

/** Longest wait for the end of a rank that others miss already, in milliseconds. */
const LOST_RANK_MS_MAX = 1000
/** Node's exit code of a program whose top level awaits what never comes. */
const EXIT_UNSETTLED = 13

/** A piece of what a rank printed. */
export interface ThreadOutput {
  readonly rank: number
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** Which job {@link startThreads} starts. */
export interface ThreadJobOptions {
  /** Number of ranks, each a thread. */
  readonly count: number
  /** The job script, an ECMAScript module; every rank imports it. A text is a path, relative to the working directory. */
  readonly script: URL | string
  /** Arguments of the script, its `process.argv.slice(2)`. @defaultValue none */
  readonly argv?: readonly string[]
  /** What the script's batch has to follow. @defaultValue nothing */
  readonly options?: RuntimeOptions
  /** Environment variables beyond those of this process. @defaultValue none */
  readonly env?: Readonly<Record<string, string>>
  /** Gets what ranks print. @defaultValue it goes to this process' own streams */
  readonly onOutput?: (output: ThreadOutput) => void
  /** Memory limits of each thread. @defaultValue Node's */
  readonly resourceLimits?: ResourceLimits
}

/** How a rank failed. */
export interface ThreadFailure {
  readonly rank: number
  /** What the script threw, with its stack; or an error that says how the rank ended. */
  readonly error: Error
  /** The rank's exit code, never 0. */
  readonly exitCode: number
}

/** How a job ended. */
export interface ThreadJobResult {
  /** The rank that failed first and ended the job; `undefined` if none failed. */
  readonly failure: ThreadFailure | undefined
  /** Whether {@link ThreadJob.terminate} ended it. */
  readonly terminated: boolean
  /** Exit code of each rank; 1 for those that were ended. */
  readonly exitCodes: readonly number[]
}

/** A job whose ranks are threads of this process. */
export interface ThreadJob {
  /** The words that the ranks share; see `Runtime.stop`. */
  readonly stop: Int32Array
  /** Resolves when all ranks have ended and all their output is written; never rejects. */
  readonly ended: Promise<ThreadJobResult>
  /** Asks the ranks to finish what runs and to start nothing. */
  drain(): void
  /** Calls back for each batch that the job opens. To miss none, call it in the turn that started the job. */
  onBatch(callback: (batch: AnnouncedBatch) => void): void
  /** Ends all ranks wherever they are; resolves when all are gone. */
  terminate(): Promise<void>
}

/**
 * Starts a job script on ranks that are threads of this process.
 *
 * Every rank finds its communicator through `findRuntime`. If one fails (an uncaught error, an exit code other than
 * 0, too little memory), the others are ended at once, because they might wait for it for ever.
 *
 * @throws {@link UsageError} if `count` is no number of ranks.
 */
export function startThreads(options: ThreadJobOptions): ThreadJob {
  const { count } = options
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`${count} ranks can't be started; take 1 or more.`)
  return new RunningThreads(options)
}

class RunningThreads implements ThreadJob {
  readonly stop: Int32Array = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  readonly ended: Promise<ThreadJobResult>
  readonly #ranks: readonly StartedRank[]
  readonly #batchListeners: ((batch: AnnouncedBatch) => void)[] = []
  readonly #failed: { readonly rank: number; readonly error: Error }[] = []
  #ending = false
  #terminated = false

  constructor(options: ThreadJobOptions) {
    const onReport = ({ batch: { tasks, ...facts } }: ThreadReport): void => {
      const batch = { ...facts, tasks: unpackTasks(tasks) }
      for (const listener of this.#batchListeners) listener(batch)
    }
    const mesh = connectAll(options.count)
    this.#ranks = mesh.map((ports, rank) => startRank(options, { rank, ports, stop: this.stop, onReport }))
    this.ended = this.#watch()
  }

  drain(): void {
    Atomics.store(this.stop, 0, STOP_DRAIN)
  }

  onBatch(callback: (batch: AnnouncedBatch) => void): void {
    this.#batchListeners.push(callback)
  }

  async terminate(): Promise<void> {
    this.#terminated = true
    await this.#endAll()
  }

  async #endAll(): Promise<void> {
    this.#ending = true
    await Promise.all(this.#ranks.map(({ worker }) => worker.terminate()))
  }

  async #watch(): Promise<ThreadJobResult> {
    const exits = this.#ranks.map(async ({ worker, exited, drained }, rank) => {
      worker.once('error', (thrown: unknown) => void this.#fail(rank, toError(thrown)))
      const exitCode = await exited
      const known = this.#ending || this.#failed.some((failure) => failure.rank === rank)
      if (exitCode !== 0 && !known) await this.#fail(rank, exitError(rank, exitCode))
      await drained
      return exitCode
    })
    const exitCodes = await Promise.all(exits)
    const first = this.#failed.find(({ error }) => lostRanks(error).length === 0) ?? this.#failed[0]
    const failure = first && { ...first, exitCode: exitCodes[first.rank] || 1 }
    return { failure, terminated: this.#terminated, exitCodes }
  }

  /** Notes why a rank failed and ends the others. */
  async #fail(rank: number, error: Error): Promise<void> {
    this.#failed.push({ rank, error })
    // A rank that others miss failed before they did, but its end may be heard of later than theirs.
    const missing = lostRanks(error).map((lost) => this.#ranks[lost]?.exited)
    if (missing.length > 0)
      await Promise.race([Promise.all(missing), delay(LOST_RANK_MS_MAX, undefined, { ref: false })])
    await this.#endAll()
  }
}

/** One channel between every two ranks: `mesh[a][b]` is a's port to b. */
function connectAll(count: number): (MessagePort | undefined)[][] {
  const mesh = Array.from({ length: count }, () => new Array<MessagePort | undefined>(count))
  mesh.forEach((ports, rank) => {
    for (let peer = rank + 1; peer < count; peer += 1) {
      const { port1, port2 } = new MessageChannel()
      ports[peer] = port1
      const peerPorts = mesh[peer]
      if (peerPorts !== undefined) peerPorts[rank] = port2
    }
  })
  return mesh
}

interface StartedRank {
  readonly worker: Worker
  /** Resolves with the exit code when the thread is gone. */
  readonly exited: Promise<number>
  /** Resolves when all that the rank wrote and reported has arrived. */
  readonly drained: Promise<unknown>
}

function startRank(
  { count, script, argv = [], options = {}, env, resourceLimits, onOutput }: ThreadJobOptions,
  place: Pick<ThreadSetup, 'rank' | 'ports' | 'stop'> & { readonly onReport: (report: ThreadReport) => void },
): StartedRank {
  const { rank, ports, stop, onReport } = place
  const control = new MessageChannel()
  const workerData: ThreadSetup = {
    rank,
    size: count,
    ports,
    control: control.port2,
    script: (script instanceof URL ? script : pathToFileURL(resolvePath(script))).href,
    options,
    stop,
  }
  const worker = new Worker(new URL('./thread-entry.js', import.meta.url), {
    workerData,
    transferList: [control.port2, ...ports.filter((port) => port !== undefined)],
    argv: [...argv],
    stdout: onOutput !== undefined,
    stderr: onOutput !== undefined,
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  })
  control.port1.on('message', onReport)
  if (onOutput !== undefined) {
    for (const stream of ['stdout', 'stderr'] as const)
      worker[stream].on('data', (bytes: Buffer) => onOutput({ rank, stream, bytes }))
  }
  return {
    worker,
    exited: new Promise((resolve) => worker.once('exit', resolve)),
    drained: Promise.all([once(control.port1, 'close'), ended(worker.stdout), ended(worker.stderr)]),
  }
}

function ended(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
}

/** The ranks that the error, thrown in another thread, says are lost. */
function lostRanks(error: Error): readonly number[] {
  const { code, details } = error as Partial<RankLostError>
  return code === 'ERR_MPIBATCH_RANK_LOST' && Array.isArray(details?.worldRanks) ? details.worldRanks : []
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`The job script threw ${inspect(thrown)}`)
}

function exitError(rank: number, exitCode: number): RankLostError {
  const how =
    exitCode === EXIT_UNSETTLED
      ? 'while its script waited for something that can no longer happen'
      : 'before the job was over'
  return new RankLostError(`Rank ${rank} ended with exit code ${exitCode} ${how}. Look at what it printed.`, {
    details: { rank, exitCode },
  })
}
