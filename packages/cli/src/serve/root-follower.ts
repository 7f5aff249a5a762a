/**
 * Follows what happens in a task root, for the live page.
 *
 * Logs of attempts tell which tasks have begun or ended, so those are read again, and all that run. What no log tells of
 * (claims by scripts, tasks opened again, other programs) a walk over all tasks finds; on many tasks it takes seconds, so
 * it goes in slices between other work, and seldom.
 */
import { existsSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import {
  type InstanceReport,
  openRootView,
  type RootView,
  type TaskReport,
  watchRoot,
} from '@mpibatch/fs-state'
import { instanceFacts, type LivingInstance, type RootStatus, rootStatus } from '../output/root-status.ts'
import { LiveFeed, liveCodeOf } from './live-feed.ts'

/** Shortest time between two rounds, milliseconds. */
const PACE_MS = 250
/** Longest time between two rounds while tasks run, so that rate and time left are of now, or walks are cheap; milliseconds. */
const BUSY_MS = 1000
/** The same elsewhere. */
const IDLE_MS = 10_000
/** Longest time between two walks over all tasks where those are cheap, milliseconds. */
const WALK_MS = 10_000
/** Part of the time that may be spent on walks. */
const SHARE_MAX = 0.2
/** A walk lets others go on after so much time, milliseconds. */
const SLICE_MS = 15
/** Time until a root that can't be read is tried again, milliseconds. */
const AGAIN_MS = 2000
/** Tasks whose `state` is watched: what runs, and what is next. */
const WATCHED_MAX = 200
/** Running tasks, and instances that have ended, that the page is told of. */
const NAMED_MAX = 100

/** The figures of the page. */
export interface LiveStatus extends RootStatus {
  /** Running tasks that are not among those that are named. */
  readonly moreRunning: number
  /** Instances that have ended or are known to be dead, the last first. */
  readonly endedInstances: readonly LivingInstance[]
  /** Why the root can't be read; `null` while it can. */
  readonly fault: string | null
  /** When this was found, ISO 8601, by the server's clock. */
  readonly at: string
}

/** See the top of this file. */
export class RootFollower {
  readonly feed: LiveFeed<LiveStatus> = new LiveFeed()
  readonly #root: string
  readonly #onMessage: (text: string) => void
  #view: RootView
  #reports: (TaskReport | undefined)[] = []
  #running = new Set<number>()
  /** Ends the rest between two rounds. */
  #rest = new AbortController()
  /** Time of the last walk's end, by the process's clock, and how long it took; milliseconds. */
  #walk = { endedMs: Number.NEGATIVE_INFINITY, tookMs: 0 }

  /**
   * @param onMessage - Hears, once each, why changes are not told, and why the root can't be read.
   * @throws {@link StoreUnusableError} if there is no such root, or it can't be read.
   */
  constructor(root: string, onMessage: (text: string) => void) {
    this.#root = root
    this.#onMessage = onMessage
    this.#view = openRootView(root)
    this.#begin()
  }

  /** Follows the root until the signal aborts. What goes wrong is a part of the figures, and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    let said = ''
    while (!signal.aborted) {
      try {
        await this.#follow(signal)
      } catch (error) {
        if (signal.aborted) return
        const fault = error instanceof Error ? error.message : String(error)
        if (fault !== said) this.#onMessage(fault)
        said = fault
        this.#publish(fault)
        await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Names of all tasks, in the order of the feed's list. */
  names(): readonly string[] {
    return Array.from(this.#view.knownTasks(), ({ name }) => name)
  }

  /** What the root says of a task now. */
  task(name: string): TaskReport | undefined {
    return this.#view.task(name)
  }

  /** Directory of a task that {@link RootFollower.task} knows. */
  taskDirectory(name: string): string {
    return this.#view.taskDirectory(name)
  }

  /** Looks at all tasks soon: some were changed in a way that no log tells of. */
  lookAgain(): void {
    this.#walk = { ...this.#walk, endedMs: Number.NEGATIVE_INFINITY }
    this.#rest.abort()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.#view.refresh()) this.#begin()
    const end = (): void => this.#rest.abort()
    signal.addEventListener('abort', end)
    const watcher = watchRoot(this.#root, { paceMs: PACE_MS, onMessage: this.#onMessage })
    try {
      while (!signal.aborted) {
        await this.feed.viewed(signal)
        // Made before the looking: what is asked for meanwhile ends the rest behind it at once.
        this.#rest = new AbortController()
        if (this.#isWalkDue()) await this.#walkOver(signal)
        const startedMs = performance.now()
        this.#lookAtNews()
        watcher.watchTasks(this.#watched())
        // Half of the time at most, also where files are far away.
        await pause(Math.max(PACE_MS, performance.now() - startedMs), undefined, { signal })
        const isCheap = this.#running.size > 0 || this.#walk.tookMs < SLICE_MS
        await watcher.changed(isCheap ? BUSY_MS : IDLE_MS, this.#rest.signal)
      }
    } finally {
      signal.removeEventListener('abort', end)
      await watcher.close()
    }
  }

  /** A walk that takes no time is part of every round; others wait until their share is used up. */
  #isWalkDue(): boolean {
    const { endedMs, tookMs } = this.#walk
    const sinceMs = performance.now() - endedMs
    return tookMs < SLICE_MS || sinceMs > Math.max(WALK_MS, tookMs / SHARE_MAX)
  }

  async #walkOver(signal: AbortSignal): Promise<void> {
    if (this.#view.refresh()) this.#begin()
    let sliceMs = performance.now()
    let toldMs = sliceMs
    let tookMs = 0
    for (const report of this.#view.tasks()) {
      this.#take(report)
      const nowMs = performance.now()
      if (nowMs - sliceMs < SLICE_MS) continue
      tookMs += nowMs - sliceMs
      if (nowMs - toldMs > BUSY_MS) {
        this.#lookAtNews()
        toldMs = performance.now()
      }
      await nextTurn(undefined, { signal })
      sliceMs = performance.now()
    }
    tookMs += performance.now() - sliceMs
    this.#walk = { endedMs: performance.now(), tookMs }
  }

  #lookAtNews(): void {
    // The walks would find that too, but they may be far apart.
    if (!existsSync(this.#root)) this.#view.refresh()
    const news = new Set([...this.#view.recorded(), ...this.#running])
    for (const report of this.#view.tasks(news)) this.#take(report)
    this.#publish(null)
  }

  #take(report: TaskReport): void {
    const { index, state } = report
    this.#reports[index] = report
    if (state === 'RUNNING') this.#running.add(index)
    else this.#running.delete(index)
    this.feed.set(index, liveCodeOf(report))
  }

  #begin(): void {
    const count = this.names().length
    this.#reports = new Array<TaskReport | undefined>(count).fill(undefined)
    this.#running = new Set()
    this.#walk = { endedMs: Number.NEGATIVE_INFINITY, tookMs: 0 }
    this.feed.begin(count)
  }

  #publish(fault: string | null): void {
    const nowMs = Date.now()
    const instances = fault === null ? this.#view.instances() : []
    const status = rootStatus(this.#root, { tasks: () => this.#known(), instances: () => instances }, nowMs)
    const { runningTasks } = status
    const facts = {
      ...status,
      runningTasks: runningTasks.slice(0, NAMED_MAX),
      moreRunning: Math.max(runningTasks.length - NAMED_MAX, 0),
      endedInstances: endedOf(instances),
      fault,
    }
    this.feed.setStatus({ ...facts, at: new Date(nowMs).toISOString() }, facts)
    this.feed.commit()
  }

  *#known(): Generator<TaskReport> {
    for (const report of this.#reports) if (report !== undefined) yield report
  }

  #watched(): readonly string[] {
    const running = [...this.#running].slice(0, WATCHED_MAX)
    const names = running.map((index) => this.#reports[index]?.name)
    for (const report of this.#reports) {
      if (names.length >= WATCHED_MAX) break
      if (report?.state === 'OPEN') names.push(report.name)
    }
    return names.flatMap((name) => (name === undefined ? [] : this.#view.taskDirectory(name)))
  }
}

function endedOf(instances: readonly InstanceReport[]): readonly LivingInstance[] {
  const ended = instances.filter(({ alive }) => !alive).slice(-NAMED_MAX)
  return ended.reverse().map(instanceFacts)
}
