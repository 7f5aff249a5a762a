/** Longest delay before a retry, in milliseconds: one hour. */
const DELAY_MS_MAX = 3_600_000

/**
 * Delay before a failed task is run again: doubling with each failure, spread by up to a quarter either way so that
 * tasks that failed together do not return together.
 *
 * @param options.failures - How often the task has failed, from 1.
 * @param options.random - Number in [0, 1).
 * @returns Milliseconds, at most one hour.
 */
export function retryDelayMs(options: { baseMs: number; failures: number; random: number }): number {
  const doubled = options.baseMs * 2 ** Math.min(options.failures - 1, 30)
  return Math.min(doubled * (0.75 + options.random / 2), DELAY_MS_MAX)
}

/** Failed tasks of one claimant that wait for their next attempt. */
export class RetrySchedule {
  readonly #failures = new Map<number, number>()
  #waiting: { index: number; dueAtMs: number }[] = []

  /**
   * Notes a failure, and lines the task up if it may run again.
   *
   * @param options.nowMs - A monotonic clock, milliseconds.
   * @returns Whether the task will be run again.
   */
  failed(index: number, options: { retries: number; baseMs: number; nowMs: number }): boolean {
    const failures = (this.#failures.get(index) ?? 0) + 1
    this.#failures.set(index, failures)
    if (failures > options.retries) return false
    const delayMs = retryDelayMs({ baseMs: options.baseMs, failures, random: Math.random() })
    // It may have been claimed on request while it waited for an earlier retry.
    this.#waiting = this.#waiting.filter((waiting) => waiting.index !== index)
    this.#waiting.push({ index, dueAtMs: options.nowMs + delayMs })
    this.#waiting.sort((one, other) => one.dueAtMs - other.dueAtMs)
    return true
  }

  /** Whether a task has failed in this run. */
  hasFailed(index: number): boolean {
    return this.#failures.has(index)
  }

  /** Takes a task whose delay is over, if there is one. */
  takeDue(nowMs: number): number | undefined {
    const first = this.#waiting[0]
    if (first === undefined || first.dueAtMs > nowMs) return undefined
    this.#waiting.shift()
    return first.index
  }

  /** Milliseconds until the next task is due, or `undefined` if none waits. */
  nextDueInMs(nowMs: number): number | undefined {
    const first = this.#waiting[0]
    return first === undefined ? undefined : Math.max(first.dueAtMs - nowMs, 0)
  }
}
