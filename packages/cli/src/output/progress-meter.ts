import type { TaskCounts } from '@mpibatch/batch-core'

/** Over how long the rate is measured, in milliseconds. */
const WINDOW_MS = 60_000

/** Progress at one moment. */
export interface Progress {
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly running: number
  readonly elsewhere: number
  /** Tasks per second over the last minute; 0 before the first has ended. */
  readonly ratePerSecond: number
  /** Seconds until the last task ends at this rate; `undefined` while nobody can know. */
  readonly secondsLeft: number | undefined
}

interface Sample {
  readonly atMs: number
  readonly ended: number
}

/** Turns counts by state into a rate and a time left (pure; the caller brings the clock). */
export class ProgressMeter {
  readonly #samples: Sample[] = []

  /** @param nowMs - A monotonic clock in milliseconds. */
  update(counts: TaskCounts, nowMs: number): Progress {
    const ended = counts.DONE + counts.FAILED
    const total = ended + counts.OPEN + counts.RUNNING + counts.ELSEWHERE + counts.INVALID
    this.#samples.push({ atMs: nowMs, ended })
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= WINDOW_MS)
      this.#samples.shift()
    const first = this.#samples[0] ?? { atMs: nowMs, ended }
    const elapsedSeconds = (nowMs - first.atMs) / 1000
    // A retry takes a failed task back, so the number of ended tasks can shrink.
    const ratePerSecond = elapsedSeconds > 0 ? Math.max(ended - first.ended, 0) / elapsedSeconds : 0
    const left = counts.OPEN + counts.RUNNING
    return {
      total,
      done: counts.DONE,
      failed: counts.FAILED,
      running: counts.RUNNING,
      elsewhere: counts.ELSEWHERE,
      ratePerSecond,
      secondsLeft: left === 0 ? 0 : ratePerSecond > 0 ? left / ratePerSecond : undefined,
    }
  }
}
