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

/** A task that waits. */
interface Waiting {
  readonly index: number
  readonly dueAtMs: number
  /** Of two that are due at once the one that came first goes first. */
  readonly number: number
}

/** Failed tasks of one claimant that wait for their next attempt. What a failure costs grows with the logarithm of their number. */
export class RetrySchedule {
  readonly #failures = new Map<number, number>()
  /** A binary heap: each is due before the two at twice its position, plus one and plus two. */
  readonly #heap: Waiting[] = []
  /** Number of the entry that counts for each task that waits; others of it are passed over. */
  readonly #current = new Map<number, number>()
  #count = 0

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
    this.#count += 1
    // It may have been claimed on request while it waited for an earlier retry, which this one replaces.
    this.#current.set(index, this.#count)
    this.#push({ index, dueAtMs: options.nowMs + delayMs, number: this.#count })
    return true
  }

  /** Whether a task has failed in this run. */
  hasFailed(index: number): boolean {
    return this.#failures.has(index)
  }

  /** Whether a task waits; asking costs less than the time of day, which the next two want to know. */
  get hasWaiting(): boolean {
    return this.#current.size > 0
  }

  /** Takes a task whose delay is over, if there is one. */
  takeDue(nowMs: number): number | undefined {
    const first = this.#first()
    if (first === undefined || first.dueAtMs > nowMs) return undefined
    this.#pop()
    this.#current.delete(first.index)
    return first.index
  }

  /** Milliseconds until the next task is due, or `undefined` if none waits. */
  nextDueInMs(nowMs: number): number | undefined {
    const first = this.#first()
    return first === undefined ? undefined : Math.max(first.dueAtMs - nowMs, 0)
  }

  /** The entry that is due first, of those that count. */
  #first(): Waiting | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || this.#current.get(first.index) === first.number) return first
      this.#pop()
    }
  }

  #push(entry: Waiting): void {
    const heap = this.#heap
    let position = heap.length
    while (position > 0) {
      const above = (position - 1) >> 1
      const other = heap[above]
      if (other === undefined || !isBefore(entry, other)) break
      heap[position] = other
      position = above
    }
    heap[position] = entry
  }

  /** Removes the first entry: the last one takes its place, and sinks to where it belongs. */
  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let position = 0
    for (;;) {
      const left = 2 * position + 1
      const [one, other] = [heap[left], heap[left + 1]]
      const below = one !== undefined && other !== undefined && isBefore(other, one) ? left + 1 : left
      const next = heap[below]
      if (next === undefined || !isBefore(next, last)) break
      heap[position] = next
      position = below
    }
    heap[position] = last
  }
}

function isBefore(one: Waiting, other: Waiting): boolean {
  return one.dueAtMs === other.dueAtMs ? one.number < other.number : one.dueAtMs < other.dueAtMs
}
