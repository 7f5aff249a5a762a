/**
 * Examines a directory: is it safe for a task root, who may work there at the same time, with which times, and, if it
 * is a task root already, is anything wrong with its tasks? `docs/doctor.md` describes the steps.
 *
 * Nothing outside a directory of its own is changed, which is removed at the end, after an error, and after an abort;
 * but the verdict is kept in a task root, and `--repair` opens or completes tasks.
 */
import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { TimeoutError } from '@mpibatch/batch-core'
import type { EventMedium } from '../event-token.ts'
import { type FileSystemClass, fileSystemClass } from '../file-system-class.ts'
import { remedyOf } from '../io-error.ts'
import { nodeFileLayer } from '../node-file-layer.ts'
import { saveVerdict } from '../saved-verdict.ts'
import { ownDirectory } from '../store-paths.ts'
import { type Agent, checkPeerName, startLocalAgent } from './agent.ts'
import { joinPeer, type PeerStart } from './agents.ts'
import { CLOCK_SPAN_MS, judgeClocks, type PeerClock } from './clock-step.ts'
import { checkRename } from './consume-step.ts'
import { type DoctorContext, JOB_MS_MAX, peerAgent } from './context.ts'
import { checkExclusiveCreate } from './exclusive-step.ts'
import { judgeFileSystem } from './file-system-step.ts'
import { checkHeartbeat } from './heartbeat-step.ts'
import type { ClockReading, FileSystemFacts } from './jobs/machine-jobs.ts'
import type { WorkDirectory } from './jobs/work-directory-jobs.ts'
import { checkLocks } from './lock-step.ts'
import { checkMedia } from './medium-step.ts'
import { repairTasks } from './repair.ts'
import type { DoctorReport, Finding, StepOutcome, StepReport, Verdict } from './report.ts'
import { checkSync } from './sync-step.ts'
import { judgeTree } from './tree-step.ts'
import { judgeAll } from './verdict-step.ts'
import { checkVisibility } from './visibility-step.ts'

/** Options of {@link examineDirectory}. */
export interface DoctorOptions {
  /** An existing directory. */
  readonly directory: string
  /** Another machine that has the directory under the same path. @defaultValue this machine alone is examined */
  readonly peer?: string
  /** The program that reaches the peer, called as `ssh` is. @defaultValue `ssh` */
  readonly peerProgram?: string
  /** Open the tasks of dead owners again, and complete their results. @defaultValue false */
  readonly repair?: boolean
  /** Keep the verdict although the directory is no task root yet. @defaultValue false */
  readonly save?: boolean
  /** Hears of each step when it is over. */
  readonly onStep?: (step: StepReport) => void
  /** Hears of a directory that could not be removed. */
  readonly onLeft?: (path: string) => void
  /** Gives up: the processes are ended and the doctor's directory is removed. */
  readonly signal?: AbortSignal
}

/** Processes that work against each other. */
const PROCESSES = 8
/** Time for removing what was made where a call has hung, milliseconds. */
const STUCK_MS_MAX = 5000
/** Time for the look at the tasks of a root, milliseconds. */
const TREE_BUDGET_MS = 10_000

/**
 * Examines a directory.
 *
 * @returns What was found; also where nothing can be written.
 * @throws {@link ConfigError} if the peer is no name of a host.
 * @throws The reason of `signal`, if that was aborted.
 */
export async function examineDirectory(options: DoctorOptions): Promise<DoctorReport> {
  if (options.peer !== undefined) checkPeerName(options.peer)
  return await new Examination(options).run()
}

/** One look at a directory, from beginning to end. */
class Examination {
  readonly #options: DoctorOptions
  readonly #directory: string
  readonly #started = Date.now()
  readonly #steps: StepReport[] = []
  readonly #findings: Finding[] = []
  #agents: Agent[] = []
  /** Set when a call has hung: what would come after it would hang as well. */
  #stuck = false
  /** Whether the doctor has a directory of its own. */
  #writing = false

  constructor(options: DoctorOptions) {
    this.#options = options
    this.#directory = realpathSync(options.directory)
  }

  async run(): Promise<DoctorReport> {
    let work: WorkDirectory | undefined
    const name = `doctor.${randomBytes(6).toString('hex')}`
    try {
      const first = startLocalAgent('p0')
      this.#agents = [first]
      const clocks = await this.#ask(first.ask('readClocks', {}, JOB_MS_MAX))
      const facts = await this.#inspect(first)
      work = facts === undefined ? undefined : await this.#makeWorkDirectory(first, name)
      const fileSystem =
        facts === undefined ? undefined : fileSystemClass(facts.number, facts.mount ?? undefined)
      const measured =
        work === undefined || fileSystem === undefined
          ? NOTHING
          : await this.#examine(first, { work, fileSystem, clocks })
      return await this.#conclude(facts, work, measured)
    } finally {
      await this.#cleanUp(name)
    }
  }

  /** Step 1. */
  async #inspect(first: Agent): Promise<FileSystemFacts | undefined> {
    return await this.#step(1, 'file system', async () => {
      const facts = await first.ask('inspectFileSystem', { directory: this.#directory }, JOB_MS_MAX)
      return { ...judgeFileSystem(facts), result: facts }
    })
  }

  async #makeWorkDirectory(first: Agent, name: string): Promise<WorkDirectory | undefined> {
    try {
      const work = await this.#ask(
        first.ask('makeWorkDirectory', { root: this.#directory, name }, JOB_MS_MAX),
      )
      this.#writing = true
      return work
    } catch (error) {
      if (this.#options.signal?.aborted === true) throw error
      const { details } = error as { details?: { code?: string } }
      const message = `Nothing can be made in ${this.#directory}: ${(error as Error).message}.`
      this.#report({
        step: 1,
        name: 'writing',
        durationMs: 0,
        measured: {},
        findings: [{ code: 'unwritable', severity: 'unsafe', message, advice: remedyOf(details) }],
      })
      return undefined
    }
  }

  /** Steps 2 to 9, where something can be written. */
  async #examine(
    first: Agent,
    { work, fileSystem, clocks }: { work: WorkDirectory; fileSystem: FileSystemClass; clocks: ClockReading },
  ): Promise<Measured> {
    const { peer: host, peerProgram } = this.#options
    const start: PeerStart = { host, program: peerProgram, marker: work.marker }
    const { agents, findings } = await this.#ask(
      joinPeer(first, PROCESSES, start, (agent) => this.#agents.push(agent)),
    )
    if (host !== undefined)
      this.#report({ step: 1, name: 'peer', durationMs: 0, measured: { host }, findings })
    const context: DoctorContext = { agents, directory: work.path }
    await this.#step(2, 'exclusive names', () => checkExclusiveCreate(context))
    await this.#step(3, 'renaming', () => checkRename(context))
    const medium = await this.#step(4, 'events', async () => {
      const outcome = await checkMedia(context)
      return { ...outcome, result: outcome.medium }
    })
    await this.#step(5, 'syncing', () => checkSync(context))
    const visibilityMs = await this.#step(6, 'visibility', async () => {
      const outcome = await checkVisibility(context, fileSystem)
      return { ...outcome, result: outcome.visibilityMs }
    })
    await this.#step(7, 'clocks', () => this.#checkClocks(context, clocks))
    await this.#step(8, 'locks', () => checkLocks(context))
    await this.#step(9, 'heartbeat', () => checkHeartbeat(context))
    return { medium: medium ?? 'link', visibilityMs: visibilityMs ?? null }
  }

  async #checkClocks(context: DoctorContext, first: ClockReading): Promise<StepOutcome> {
    const [here] = context.agents
    const soFar = await here.ask('readClocks', {}, JOB_MS_MAX)
    await pause(Math.max(0, CLOCK_SPAN_MS + 50 - (soFar.monotonicMs - first.monotonicMs)))
    const last = await here.ask('readClocks', {}, JOB_MS_MAX)
    return judgeClocks({ first, last }, await readPeerClock(peerAgent(context)))
  }

  /** Steps 10 and 11. */
  async #conclude(
    facts: FileSystemFacts | undefined,
    work: WorkDirectory | undefined,
    measured: Measured,
  ): Promise<DoctorReport> {
    const [first] = this.#agents
    const { directory, host, peer } = {
      directory: this.#directory,
      host: hostname(),
      peer: this.#options.peer ?? null,
    }
    if (work?.isTaskRoot === true && first !== undefined)
      await this.#step(10, 'tasks', () => this.#checkTasks(first))
    const mount = facts?.mount ?? undefined
    const fileSystem = fileSystemClass(facts?.number ?? 0, mount)
    const verdict = judgeAll({ findings: this.#findings, fileSystem, mount, ...measured })
    const identity = { number: facts?.number ?? 0, type: mount?.type ?? '', source: mount?.source ?? '' }
    const saves = work !== undefined && !this.#stuck && (work.isTaskRoot || this.#options.save === true)
    const saved = saves && (await this.#save(verdict, identity))
    const date = new Date(this.#started).toISOString()
    const durationMs = Date.now() - this.#started
    const about = { format: 'mpibatch doctor', version: 1, directory, host, peer, date, durationMs } as const
    return { ...about, ...verdict, fileSystem: identity, saved, steps: this.#steps }
  }

  async #checkTasks(first: Agent): Promise<StepOutcome> {
    const root = this.#directory
    const reading = await first.ask('inspectTree', { root, budgetMs: TREE_BUDGET_MS }, JOB_MS_MAX)
    if (this.#options.repair !== true) return judgeTree(reading)
    const isUnsafe = this.#findings.some(({ severity }) => severity === 'unsafe')
    return judgeTree(reading, await repairTasks(root, reading.repairable, { isUnsafe }))
  }

  async #save(verdict: Verdict, fileSystem: DoctorReport['fileSystem']): Promise<boolean> {
    const { use, medium, visibilityMs } = verdict
    const reason =
      this.#findings.find(({ severity, singleInstance }) =>
        use === 'none' ? severity === 'unsafe' : use === 'single-instance' && singleInstance === true,
      )?.message ?? ''
    const date = new Date(this.#started).toISOString()
    try {
      await saveVerdict(nodeFileLayer, this.#directory, {
        fileSystem,
        date,
        use,
        medium,
        visibilityMs,
        reason,
      })
      return true
    } catch {
      // Where not even that can be written no run will get far either; the report says so.
      return false
    }
  }

  /** Runs a step and reports it; one that fails or hangs is a finding as well. */
  async #step<R = undefined>(
    step: number,
    name: string,
    run: () => Promise<StepOutcome & { readonly result?: R }>,
  ): Promise<R | undefined> {
    if (this.#stuck) return undefined
    const start = performance.now()
    const took = (): number => Math.round(performance.now() - start)
    try {
      const { findings, measured, result } = await this.#ask(run())
      this.#report({ step, name, durationMs: took(), findings, measured })
      return result
    } catch (error) {
      if (this.#options.signal?.aborted === true) throw error
      this.#stuck = error instanceof TimeoutError
      const message = error instanceof Error ? error.message : String(error)
      const finding: Finding = this.#stuck
        ? {
            code: 'step-hung',
            severity: 'unsafe',
            message: `A call on the file system hung; nothing further was examined. ${message}`,
            advice: 'Look after the server or the disk, and examine it again.',
          }
        : {
            code: 'step-failed',
            severity: 'unsafe',
            message: `A call failed that every run makes: ${message}.`,
            advice: remedyOf((error as { details?: unknown }).details),
          }
      this.#report({ step, name, durationMs: took(), findings: [finding], measured: {} })
      return undefined
    }
  }

  #report(step: StepReport): void {
    this.#steps.push(step)
    this.#findings.push(...step.findings)
    this.#options.onStep?.(step)
  }

  /** Waits for something, but not longer than until the signal. */
  async #ask<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#options
    if (signal === undefined) return await work
    let abort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
    })
    try {
      return await Promise.race([work, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Ends the processes first, so that none of them makes anything any more. */
  async #cleanUp(name: string): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.end()))
    const broom = startLocalAgent('broom')
    const root = this.#directory
    const path = `${ownDirectory(root)}/${name}`
    try {
      await broom.ask('removeWorkDirectory', { root, path }, this.#stuck ? STUCK_MS_MAX : JOB_MS_MAX)
    } catch {
      if (this.#writing) this.#options.onLeft?.(path)
    } finally {
      await broom.end()
    }
  }
}

/** What the verdict needs of the steps. */
interface Measured {
  readonly medium: EventMedium
  readonly visibilityMs: number | null
}

const NOTHING: Measured = { medium: 'link', visibilityMs: null }

async function readPeerClock(peer: Agent | undefined): Promise<PeerClock | undefined> {
  if (peer === undefined) return undefined
  const askedAtMs = Date.now()
  const reading = await peer.ask('readClocks', {}, JOB_MS_MAX)
  return { reading, askedAtMs, answeredAtMs: Date.now() }
}
