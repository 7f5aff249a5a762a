import type { TaskCounts } from '@mpibatch/batch-core'
import { RunningAges } from './running-ages.ts'
import { secondsLeft } from './time-left.ts'

/** Over how long the rate is measured, in milliseconds. */
const WINDOW_MS = 60_000
/** From so many rounds of tasks on, their rate tells more of what is to come than the length of each. */
export const ROUNDS_FOR_RATE = 5

/** Progress at one moment. */
export interface Progress {
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly running: number
  readonly elsewhere: number
  /** Tasks per second over the last minute; 0 before the first has ended. */
  readonly ratePerSecond: number
  /** Seconds until the last task ends; `undefined` while nobody can know. */
  readonly secondsLeft: number | undefined
}

interface Sample {
  readonly atMs: number
  readonly ended: number
  readonly running: number
}

/** Turns counts by state into a rate and a time left (pure; the caller brings the clock). */
export class ProgressMeter {
  readonly #samples: Sample[] = []
  readonly #ages = new RunningAges()

  /** @param nowMs - A monotonic clock in milliseconds. */
  update(counts: TaskCounts, nowMs: number): Progress {
    const ended = counts.DONE + counts.FAILED
    const total = ended + counts.OPEN + counts.RUNNING + counts.ELSEWHERE + counts.INVALID
    this.#samples.push({ atMs: nowMs, ended, running: counts.RUNNING })
    this.#ages.update({ running: counts.RUNNING, ended }, nowMs)
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= WINDOW_MS)
      this.#samples.shift()
    const first = this.#samples[0] ?? { atMs: nowMs, ended, running: 0 }
    const elapsedSeconds = (nowMs - first.atMs) / 1000
    // A retry takes a failed task back, so the number of ended tasks can shrink.
    const endedLately = Math.max(ended - first.ended, 0)
    const ratePerSecond = elapsedSeconds > 0 ? endedLately / elapsedSeconds : 0
    return {
      total,
      done: counts.DONE,
      failed: counts.FAILED,
      running: counts.RUNNING,
      elsewhere: counts.ELSEWHERE,
      ratePerSecond,
      secondsLeft: this.#secondsLeft(counts, { nowMs, endedLately, ratePerSecond }),
    }
  }

  #secondsLeft(
    { OPEN, RUNNING }: TaskCounts,
    lately: { readonly nowMs: number; readonly endedLately: number; readonly ratePerSecond: number },
  ): number | undefined {
    const { nowMs, endedLately, ratePerSecond } = lately
    if (OPEN + RUNNING === 0) return 0
    const { meanSeconds } = this.#ages
    if (meanSeconds === undefined) return undefined
    // While one task is ended and the next not yet claimed, a slot shows as free.
    const atOnce = Math.max(1, ...this.#samples.map(({ running }) => running))
    // Tasks that come and go between two looks have no length that could be seen.
    const hasRate = endedLately >= ROUNDS_FOR_RATE * atOnce || meanSeconds === 0
    if (hasRate && ratePerSecond === 0) return undefined
    const taskSeconds = hasRate ? atOnce / ratePerSecond : meanSeconds
    return secondsLeft({ openCount: OPEN, runningAges: this.#ages.agesAt(nowMs), taskSeconds, atOnce })
  }
}
