/**
 * What the live page is told: the state of every task and the figures above them, and what has changed of that.
 *
 * Every task has the number of the version in which it last changed. So whoever has seen any version is told all that
 * changed since, in one frame: a viewer that is slow, or comes back, skips what is past, and nothing is kept for it.
 */
import { randomBytes } from 'node:crypto'
import type { TaskReport } from '@mpibatch/fs-state'

/** One byte per task, in the order of their lists. `LOST`: RUNNING, but whoever ran it is dead. `UNREAD`: not looked at yet. */
export const LIVE_CODE = { OPEN: 0, RUNNING: 1, DONE: 2, FAILED: 3, INVALID: 4, LOST: 5, UNREAD: 6 } as const

/** A value of {@link LIVE_CODE}. */
export type LiveCode = (typeof LIVE_CODE)[keyof typeof LIVE_CODE]

/** The code that a report stands for. */
export function liveCodeOf(report: Pick<TaskReport, 'state' | 'owner'>): LiveCode {
  if (report.state === 'RUNNING' && report.owner?.alive === false) return LIVE_CODE.LOST
  return LIVE_CODE[report.state]
}

/** What a viewer has to learn in order to be up to date. */
export interface LiveFrame<Status> {
  /** Grows whenever the tasks are others than before, or stand in another order: their names are then to be asked for again. */
  readonly list: number
  readonly taskCount: number
  /** The codes of all tasks as base64, where a viewer knows none, or most have changed. */
  readonly states?: string
  /** Else the tasks that have changed: position and code in turn. */
  readonly changes?: readonly number[]
  /** Left out if it has not changed. */
  readonly status?: Status
}

/** Share of the tasks from which on all codes are shorter than the list of changes. */
const WHOLE_SHARE = 0.25

/** See the top of this file. */
export class LiveFeed<Status> {
  /** Of this feed alone: versions of another mean nothing here. */
  readonly #epoch = randomBytes(8).toString('hex')
  readonly #waiting = new Set<() => void>()
  /** Those who wait for a viewer. */
  readonly #absent = new Set<() => void>()
  #viewerCount = 0
  #version = 0
  #hasNews = false
  #list = 0
  /** The version in which the list was made. */
  #listedAt = 0
  #codes: Uint8Array = new Uint8Array(0)
  #changedAt = new Uint32Array(0)
  #status: { readonly value: Status; readonly text: string; readonly changedAt: number } | undefined

  /** Begins a new list of tasks, none of which has been looked at. */
  begin(taskCount: number): void {
    this.#list += 1
    this.#listedAt = this.#version + 1
    this.#codes = new Uint8Array(taskCount).fill(LIVE_CODE.UNREAD)
    this.#changedAt = new Uint32Array(taskCount).fill(this.#listedAt)
    this.#hasNews = true
  }

  /** Number of the list that {@link begin} made last. */
  get list(): number {
    return this.#list
  }

  /** Takes the code of a task. */
  set(index: number, code: LiveCode): void {
    if (index >= this.#codes.length || this.#codes[index] === code) return
    this.#codes[index] = code
    this.#changedAt[index] = this.#version + 1
    this.#hasNews = true
  }

  /**
   * Takes the figures.
   *
   * @param facts - The part of them that is news when it changes; others go with it. @defaultValue all of them
   */
  setStatus(value: Status, facts: unknown = value): void {
    const text = JSON.stringify(facts)
    if (text === this.#status?.text) return
    this.#status = { value, text, changedAt: this.#version + 1 }
    this.#hasNews = true
  }

  /** Makes what was taken since the last call a version, and wakes who waits for one. */
  commit(): void {
    if (!this.#hasNews) return
    this.#version += 1
    this.#hasNews = false
    for (const wake of [...this.#waiting]) wake()
  }

  /** Names the newest version; a viewer that has seen it is up to date. */
  get position(): string {
    return `${this.#epoch}.${this.#version}`
  }

  /** Number of viewers. */
  get viewerCount(): number {
    return this.#viewerCount
  }

  /** Counts a viewer, until the function is called that is returned. */
  join(): () => void {
    this.#viewerCount += 1
    for (const wake of [...this.#absent]) wake()
    return () => {
      this.#viewerCount -= 1
    }
  }

  /** Resolves when there is a viewer, or the signal aborts: without one nobody need look at the root. */
  async viewed(signal: AbortSignal): Promise<void> {
    if (this.#viewerCount === 0) await wakeUp(this.#absent, signal)
  }

  /**
   * What has changed since a position; `undefined` if nothing has. A position that is not of this feed is as good as none.
   */
  frameSince(position: string | undefined): LiveFrame<Status> | undefined {
    const seen = this.#versionOf(position)
    if (seen === this.#version) return undefined
    const status =
      this.#status !== undefined && this.#status.changedAt > seen ? this.#status.value : undefined
    return {
      ...{ list: this.#list, taskCount: this.#codes.length },
      ...this.#codesSince(seen),
      ...(status === undefined ? {} : { status }),
    }
  }

  /** Resolves when there is something new since a position, when the time is over, or when the signal aborts. */
  async changed(position: string | undefined, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#versionOf(position) !== this.#version) return
    await wakeUp(this.#waiting, signal, timeoutMs)
  }

  /** The version that a position names; -1 if it is none of this feed's. */
  #versionOf(position: string | undefined): number {
    const [, epoch, version] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(position ?? '') ?? []
    const seen = Number(version)
    return epoch === this.#epoch && seen <= this.#version ? seen : -1
  }

  #codesSince(seen: number): Pick<LiveFrame<Status>, 'states' | 'changes'> {
    const whole = { states: Buffer.from(this.#codes).toString('base64') }
    if (seen < this.#listedAt) return whole
    const changes: number[] = []
    for (let index = 0; index < this.#codes.length; index += 1) {
      if ((this.#changedAt[index] ?? 0) <= seen) continue
      changes.push(index, this.#codes[index] ?? LIVE_CODE.UNREAD)
      if (changes.length > 2 * WHOLE_SHARE * this.#codes.length + 2) return whole
    }
    return { changes }
  }
}

/** Waits among others until it is woken, the signal aborts, or the time is over. */
function wakeUp(waiting: Set<() => void>, signal: AbortSignal, timeoutMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      waiting.delete(end)
      resolve()
    }
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs)
    signal.addEventListener('abort', end)
    waiting.add(end)
  })
}
