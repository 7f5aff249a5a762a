/**
 * Starts MPI in this process and gives the communicator of all ranks.
 *
 * Purpose: one call between a launcher and a batch, that leaves no job hanging whatever happens on a rank.
 *
 * Guarantees: MPI is ended at the end of the process, never while another rank may still need it; a rank that throws,
 * or ends before it has closed the job, ends the job on all ranks (MPI_Abort); a node that is silent ends it too.
 *
 * Calling sequence: `openMpiJob` once per process, on all ranks; `close` on all ranks, behind which nothing is sent.
 * `docs/mpi.md` has the whole story.
 */
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { type Communicator, createMessageCommunicator, invariant, MpiError } from '@mpibatch/batch-core'
import { failureOf, findMismatch } from './job-faults.ts'
import { detectLauncher } from './launcher.ts'
import { restoreLauncherDescriptor } from './launcher-descriptor.ts'
import { libraryNames } from './library-names.ts'
import { withLibrarySettings } from './library-settings.ts'
import { MpiMemory } from './mpi-memory.ts'
import { MpiTransport } from './mpi-transport.ts'
import { loadNative, type Native, type NativeEvent, type NativeFacts } from './native.ts'

/** Options of {@link openMpiJob}. */
export interface MpiJobOptions {
  /** Path or name of the MPI library. @defaultValue `MPIBATCH_LIBMPI`, else the one that fits the launcher */
  readonly library?: string
  /** How long a node may be silent before the job is ended, milliseconds; 0 for ever. @defaultValue 20,000 */
  readonly silenceMs?: number
  /** Word before the line on standard error that tells a supervisor of a silent host. @defaultValue none listens */
  readonly supervisorToken?: string
}

/** What was found. */
export interface MpiFacts {
  /** File of the library. */
  readonly library: string
  /** First line of MPI_Get_library_version. */
  readonly version: string
  readonly abi: 'openmpi' | 'mpich' | 'standard'
  /** Thread level that the library provides; funneled is what is needed. */
  readonly threadLevel: string
  readonly rank: number
  readonly size: number
  readonly nodeCount: number
  /** Name of this rank's host. */
  readonly host: string
  /** For each rank the name of its host. */
  readonly hosts: readonly string[]
}

/** A running MPI job, as one of its ranks sees it. */
export interface MpiJob {
  /** All ranks. */
  readonly communicator: Communicator
  readonly facts: MpiFacts
  /** Waits until all ranks have come to their end. Collective; MPI itself ends when the process does. */
  close(): Promise<void>
  /** Ends the job on all ranks at once (MPI_Abort), and this process. */
  abort(exitCode: number): never
}

const SILENCE_MS = 20_000
/** Node's own exit code of a program that ends by an error that nobody caught. */
const EXIT_UNCAUGHT = 1

/**
 * Starts MPI. Collective over all processes that the launcher started; once per process.
 *
 * @throws {@link MpiError} if there is no library, it fails, or it does not fit the launcher.
 */
export async function openMpiJob(options: MpiJobOptions = {}): Promise<MpiJob> {
  const launcher = detectLauncher(process.env)
  const native = loadNative()
  restoreLauncherDescriptor(native)
  const names = libraryNames(launcher, options.library ?? process.env.MPIBATCH_LIBMPI)
  const job = new RunningJob(native, launcher?.rank)
  const facts = await job.start(names, options)
  const mismatch = findMismatch(facts, launcher)
  if (mismatch !== undefined) {
    job.giveUp()
    throw mismatch
  }
  return job.open(facts)
}

class RunningJob {
  readonly #native: Native
  readonly #memory: MpiMemory
  readonly #held = new Set<string>(['start'])
  #transport: MpiTransport | undefined
  #onStart: { resolve: (facts: NativeFacts) => void; reject: (reason: Error) => void } | undefined
  #onMet: (() => void) | undefined
  #closing: Promise<void> | undefined
  /** Before MPI says it, what the launcher says. */
  #rank: number | undefined
  /** Whether all ranks have met, so that this one may end. */
  #mayEnd = false

  constructor(native: Native, rank: number | undefined) {
    this.#native = native
    this.#rank = rank
    this.#memory = new MpiMemory(native, {
      holdAlive: (reason, isHeld) => this.#hold(reason, isHeld),
      rank: () => this.#rank,
    })
  }

  start(names: readonly string[], { silenceMs, supervisorToken }: MpiJobOptions): Promise<NativeFacts> {
    return new Promise((resolve, reject) => {
      this.#onStart = { resolve, reject }
      withLibrarySettings(() =>
        this.#native.start(
          names,
          silenceMs ?? silenceFromEnvironment(),
          supervisorToken ?? '',
          (...event) => {
            try {
              this.#onEvent(event)
            } catch (error) {
              // In a callback of an addon Node drops it with a warning, and this rank would wait for ever.
              process.nextTick(() => {
                throw error
              })
            }
          },
        ),
      )
    })
  }

  open(facts: NativeFacts): MpiJob {
    this.#rank = facts.rank
    this.#watchEnd()
    this.#hold('start', false)
    const transport = this.#transport
    invariant(transport !== undefined, 'MPI has started without a transport')
    return {
      communicator: createMessageCommunicator(transport),
      facts: toFacts(facts),
      close: () => this.#close(),
      abort: (exitCode) => this.#native.abort(exitCode),
    }
  }

  /** Leaves a job that was started and is not what was asked for. */
  giveUp(): void {
    process.on('exit', (code) => this.#native.finalize(code))
    this.#hold('start', false)
  }

  #close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#hold('close', true)
      this.#onMet = () => {
        this.#mayEnd = true
        this.#hold('close', false)
        resolve()
      }
      this.#native.meet()
    })
    return this.#closing
  }

  #onEvent(event: NativeEvent): void {
    switch (event[0]) {
      case 'started':
        // At once: messages of ranks that are further on may stand right behind this event.
        this.#transport = new MpiTransport(this.#native, event[1], {
          memory: this.#memory,
          holdAlive: (reason, isHeld) => this.#hold(reason, isHeld),
        })
        this.#onStart?.resolve(event[1])
        this.#onStart = undefined
        return
      case 'message':
        this.#transport?.receive(event[2])
        return
      case 'reply':
        this.#memory.reply(event[1], event[2], event[3])
        return
      case 'met':
        this.#onMet?.()
        return
      case 'failed':
        this.#fail(failureOf(event, this.#rank))
    }
  }

  #fail(error: MpiError): void {
    this.#hold('start', false)
    if (this.#onStart !== undefined) {
      this.#onStart.reject(error)
      this.#onStart = undefined
      return
    }
    // Nobody asked for anything in particular: as if it had been thrown there.
    throw error
  }

  /** Sees to it that no rank leaves the others waiting. */
  #watchEnd(): void {
    const native = this.#native
    process.on('uncaughtExceptionMonitor', (error) => {
      say(this.#rank, error instanceof Error ? (error.stack ?? error.message) : inspect(error))
      native.abort(EXIT_UNCAUGHT)
    })
    // A script may end by process.exit, on all ranks.
    process.on('exit', (code) => {
      if (code === 0 || this.#mayEnd) native.finalize(code)
      else {
        say(
          this.#rank,
          `This rank ended with exit code ${code} before the job was over, so the others are ended too.`,
        )
        native.abort(code)
      }
    })
  }

  #hold(reason: string, isHeld: boolean): void {
    const wasHeld = this.#held.size > 0
    if (isHeld) this.#held.add(reason)
    else this.#held.delete(reason)
    if (wasHeld !== this.#held.size > 0) this.#native.keepAlive(!wasHeld)
  }
}

function say(rank: number | undefined, text: string): void {
  try {
    // Nothing that waits in a stream would still be written.
    writeSync(2, `mpibatch: rank ${rank}: ${text}\n`)
  } catch {
    // Nobody listens.
  }
}

function toFacts({ path, version, abi, threadLevel, rank, size, nodes, hosts }: NativeFacts): MpiFacts {
  const nodeCount = new Set(nodes).size
  const oneLine = version.replace(/\s+/g, ' ')
  return {
    library: path,
    version: oneLine,
    abi,
    threadLevel,
    rank,
    size,
    nodeCount,
    host: hosts[rank] ?? '',
    hosts,
  }
}

/** `MPIBATCH_SILENCE`, in seconds. */
function silenceFromEnvironment(): number {
  const text = process.env.MPIBATCH_SILENCE
  if (text === undefined || text === '') return SILENCE_MS
  const seconds = Number(text)
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= 1_000_000) return Math.round(seconds * 1000)
  throw new MpiError(
    `MPIBATCH_SILENCE is ${JSON.stringify(text)}, but has to be a number of seconds; 0 waits for ever.`,
  )
}
