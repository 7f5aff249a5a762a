/**
 * Which owners of claims are dead (`docs/liveness.md`, The observer). An owner is dead if its life log says so, for
 * ever. Where the log says ALIVE, there are four ways to find out:
 *
 * - its process was on this machine and is gone;
 * - it ran before a reboot of this machine, on whose disk the root is;
 * - its job has ended, as the job scheduler says, and some heartbeats have not come;
 * - it has shown no sign of life for so long that it must have stopped by its own clock.
 *
 * What it had started on this machine is ended before anybody here takes its tasks.
 */

import { removeDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { HeartbeatObserver, type Observation } from './heartbeat-observer.ts'
import {
  hasEndedLife,
  type InstanceFiles,
  type InstanceInfo,
  listInstances,
  readInstance,
  writeLife,
} from './instance.ts'
import type { JobStates } from './job-states.ts'
import { type LivenessTimings, shortestDeadAfterMs } from './liveness-timings.ts'
import {
  isBeforeReboot,
  isGone,
  isSameMachine,
  ownIdentity,
  type ProcessIdentity,
} from './process-identity.ts'
import { instanceDirectory, leaseLockPath } from './store-paths.ts'
import { endSurvivors } from './survivors.ts'

/** What is known of an owner. */
export interface Verdict {
  readonly dead: boolean
  /** Whether it has shown a sign of life, or can't be judged by any: nothing is gained by watching it. */
  readonly alive: boolean
  /** Host of the owner, empty if it is not known. */
  readonly host: string
  /** Milliseconds of further silence until it is dead; only for one that is neither dead nor known to be alive. */
  readonly decidedInMs?: number
  /** Why it counts as alive although it may be dead, for people. */
  readonly fault?: string
}

/** What {@link Owners} needs. */
export interface OwnersOptions {
  readonly files: FileLayer
  readonly root: string
  /** The instance that asks; it counts as alive. */
  readonly instance: string
  readonly sync: boolean
  /** Whether the root is on a file system that this machine alone can have mounted. */
  readonly local: boolean
  readonly timings: LivenessTimings
  /** What job schedulers know. */
  readonly jobs: JobStates
  /** A fresh name for something that is built before it is shown. */
  readonly stage: () => string
  /** Monotonic clock. @defaultValue `performance.now` */
  readonly nowMs?: () => number
}

/** What a session asks about owners; a simulation answers by its own truth. */
export type OwnerJudge = Pick<Owners, 'judge' | 'judgeOnce' | 'judgeUnreadable' | 'buryAll' | 'close'>

const DEAD: Verdict = { dead: true, alive: false, host: '' }
const ALIVE: Verdict = { dead: false, alive: true, host: '' }

/** Heartbeats that an owner misses before it is dead, where its job has ended as its scheduler says. */
const HEARTBEATS_AFTER_JOB = 3

/** See the top of this file. */
export class Owners {
  readonly #options: OwnersOptions
  readonly #self: ProcessIdentity = ownIdentity()
  readonly #observer: HeartbeatObserver
  readonly #dead = new Set<string>()
  readonly #asking = new Map<string, Promise<Verdict>>()
  /** Those that are watched for a sign of life. */
  readonly #watched = new Set<string>()
  #listening: NodeJS.Timeout | undefined

  constructor(options: OwnersOptions) {
    this.#options = options
    const { files, root, timings, nowMs } = options
    this.#observer = new HeartbeatObserver({
      files,
      root,
      intervalMs: timings.heartbeatMs,
      ...(nowMs === undefined ? {} : { nowMs }),
    })
  }

  /** Judges an owner. If it has just died, this is written to its life log, and what it left here is ended. */
  async judge(instance: string): Promise<Verdict> {
    if (instance === this.#options.instance) return ALIVE
    if (this.#dead.has(instance)) return DEAD
    let asking = this.#asking.get(instance)
    if (asking === undefined) {
      asking = this.#ask(instance).finally(() => this.#asking.delete(instance))
      this.#asking.set(instance, asking)
    }
    const verdict = await asking
    if (verdict.dead) this.#dead.add(instance)
    if (verdict.decidedInMs === undefined) this.#watched.delete(instance)
    else this.#watch(instance)
    return verdict
  }

  /** Judges like {@link Owners.judge}, but each owner only once, for a look at many tasks at one time. */
  judgeOnce(): (instance: string) => Promise<Verdict> {
    const verdicts = new Map<string, Promise<Verdict>>()
    return (instance) => {
      const verdict = verdicts.get(instance) ?? this.judge(instance)
      verdicts.set(instance, verdict)
      return verdict
    }
  }

  /** Buries the instances that died on this machine; others are judged when somebody wants their tasks. */
  async buryAll(): Promise<void> {
    const { files, root, local } = this.#options
    for (const instance of listInstances(files, root)) {
      const found = readInstance(files, root, instance)
      const { info } = found
      if (hasEndedLife(found) || info === undefined) continue
      if (isSameMachine(this.#self, info) || (local && isBeforeReboot(this.#self, info)))
        await this.judge(instance)
    }
  }

  /** Ends the watch. */
  close(): void {
    clearInterval(this.#listening)
  }

  /** From now on looks at this owner once per heartbeat, so that its silence is known when its tasks are wanted. */
  #watch(instance: string): void {
    this.#watched.add(instance)
    this.#listening ??= setInterval(() => {
      for (const watched of this.#watched) this.#observer.look(watched)
    }, this.#options.timings.heartbeatMs).unref()
  }

  /**
   * Judges whoever made an event that can't be read: somebody who has not finished it for as long as an owner may be
   * silent never will.
   *
   * @param sign - Whatever changes when the event is finished.
   */
  judgeUnreadable(path: string, sign: () => string): Verdict {
    const { timings } = this.#options
    return this.#toVerdict(this.#observer.lookAt(path, sign), timings.deadAfterMs, '')
  }

  async #ask(instance: string): Promise<Verdict> {
    const { files, root } = this.#options
    const found = readInstance(files, root, instance)
    const { info } = found
    if (hasEndedLife(found)) return found.life === 'DEAD' ? await this.#endLeftovers(found, DEAD) : DEAD
    if (info === undefined) {
      const directory = instanceDirectory(root, instance)
      return {
        ...ALIVE,
        fault: `Nothing is known of the owner ${instance}: ${directory} is missing or damaged. Its tasks are left alone; if it does not run any more, take them with --steal-running.`,
      }
    }
    if (this.#options.local && isBeforeReboot(this.#self, info)) return await this.#declareDead(found)
    if (isSameMachine(this.#self, info) && isGone(info))
      // Nobody may take its tasks, on any machine, while its commands run on.
      return await this.#endLeftovers(found, () => this.#declareDead(found))
    const jobEnded = info.job !== undefined && (await this.#options.jobs.judge(info.job)) === 'ended'
    return await this.#observe(found, info, jobEnded)
  }

  async #observe(found: InstanceFiles, info: InstanceInfo, jobEnded: boolean): Promise<Verdict> {
    const { root, files, timings } = this.#options
    // A scheduler that has lost a node may call a job ended whose processes go on; then they go on to show signs of life.
    const deadAfterMs = jobEnded
      ? deadAfterJobMs(timings, info.liveness)
      : deadAfterMsBeside(timings, info.liveness)
    const observation = this.#observer.look(found.instance)
    if (observation.hiddenBy !== undefined) {
      const directory = instanceDirectory(root, found.instance)
      return {
        ...ALIVE,
        host: info.host,
        fault: `Whether instance ${found.instance} on ${info.host} lives can't be seen: ${directory} must not be read (${observation.hiddenBy}). Its tasks are left alone; if it does not run any more, take them with --steal-running.`,
      }
    }
    const verdict = this.#toVerdict(observation, deadAfterMs, info.host)
    if (!verdict.dead) {
      // One whose process can be seen is waited for only by who asked to wait.
      return isSameMachine(this.#self, info) ? { ...verdict, alive: true } : verdict
    }
    const declared = await this.#declareDead(found)
    if (!declared.dead) return declared
    // It hears of it there at once, if it lives and its storage has come back.
    removeDirectory(files, leaseLockPath(instanceDirectory(root, found.instance)))
    // Only now: as long as it could have won its life back, its commands were its own.
    return await this.#endLeftovers(found, declared)
  }

  #toVerdict({ shownLife, silentMs }: Observation, deadAfterMs: number, host: string): Verdict {
    if (silentMs >= deadAfterMs) return DEAD
    return { dead: false, alive: shownLife, host, decidedInMs: deadAfterMs - silentMs }
  }

  /** Ends what an instance of this machine has left; without success it counts as alive, for us. */
  async #endLeftovers(found: InstanceFiles, then: Verdict | (() => Promise<Verdict>)): Promise<Verdict> {
    const { files, root } = this.#options
    const { instance, info } = found
    const here = info !== undefined && isSameMachine(this.#self, info)
    const survivors = here ? await endSurvivors(files, root, instance) : []
    if (survivors.length > 0) {
      const list = survivors.map(({ pid, reason }) => `${pid} (${reason})`).join(', ')
      return {
        ...ALIVE,
        host: info?.host ?? '',
        fault: `The instance ${instance} is gone, but processes that it started could not be ended: ${list}. Its tasks are left alone until they are.`,
      }
    }
    return typeof then === 'function' ? await then() : then
  }

  async #declareDead({ instance, nextLife, info }: InstanceFiles): Promise<Verdict> {
    const { files, root, sync, stage } = this.#options
    const made = await writeLife(files, root, {
      instance,
      entry: nextLife,
      life: 'DEAD',
      staged: stage(),
      sync,
    })
    // Somebody else may have written the entry first; what it says decides.
    if (made || hasEndedLife(readInstance(files, root, instance))) return DEAD
    return { ...ALIVE, host: info?.host ?? '' }
  }
}

/** Silence after which an owner is dead to us: an owner with a longer lease than ours is given longer. */
export function deadAfterMsBeside(own: LivenessTimings, owner: Partial<LivenessTimings> | undefined): number {
  const leaseMs = owner?.leaseMs ?? own.leaseMs
  const visibilityMs = Math.max(own.visibilityMs, owner?.visibilityMs ?? 0)
  return Math.max(own.deadAfterMs, shortestDeadAfterMs(leaseMs, visibilityMs))
}

/** The same where its job has ended. */
export function deadAfterJobMs(own: LivenessTimings, owner: Partial<LivenessTimings> | undefined): number {
  return HEARTBEATS_AFTER_JOB * (owner?.heartbeatMs ?? own.heartbeatMs)
}
