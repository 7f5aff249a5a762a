import type { TaskCounts } from '@mpibatch/batch-core'
import { RunningAges } from './running-ages.ts'
import { secondsLeft } from './time-left.ts'

/** Over how long the rate is measured, in milliseconds. */
const WINDOW_MS = 60_000
/** Of tasks shorter than this the rate tells more of what is to come: what lies between them counts as well. */
const SHORT_SECONDS = 1
/** It does so from so many rounds of tasks on. */
const ROUNDS_FOR_RATE = 5

/** How long a task takes, with what comes before and after it, in seconds; `undefined` if it can't be said. */
export function secondsPerTask(known: {
  /** Mean length of those that ended. */
  readonly meanSeconds: number
  readonly ratePerSecond: number
  /** Tasks that ended while that rate was taken. */
  readonly endedCount: number
  /** Tasks that run at once. */
  readonly atOnce: number
}): number | undefined {
  const { meanSeconds, ratePerSecond, endedCount, atOnce } = known
  // Tasks that come and go between two looks have no length that could be seen.
  const hasRate = (meanSeconds < SHORT_SECONDS && endedCount >= ROUNDS_FOR_RATE * atOnce) || meanSeconds === 0
  if (!hasRate) return meanSeconds
  return ratePerSecond === 0 ? undefined : atOnce / ratePerSecond
}

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
    const taskSeconds = secondsPerTask({ meanSeconds, ratePerSecond, endedCount: endedLately, atOnce })
    if (taskSeconds === undefined) return undefined
    return secondsLeft({ openCount: OPEN, runningAges: this.#ages.agesAt(nowMs), taskSeconds, atOnce })
  }
}
