/** Lengths of tasks that are remembered. */
const LENGTH_COUNT_MAX = 256
/** A task is taken to end in time if so large a part of those before were short enough. */
const PART = 0.9

/** The length that nine of ten tasks do not pass; `undefined` if nothing is known of any. */
export function usualLength(lengths: Iterable<number>): number | undefined {
  const sorted = Float64Array.from(lengths)
    .filter((length) => !Number.isNaN(length))
    .sort()
  return sorted[Math.ceil(PART * sorted.length) - 1]
}

/** Lets tasks start as long as they would end before a time limit, judged by the tasks so far (pure; the caller brings the clock). */
export class TimeLimit {
  readonly #endMs: number
  /** Those of this rank, the oldest overwritten first. */
  readonly #lengths: number[] = []
  #count = 0
  #longestMs: number

  /**
   * @param endMs - When all is to be over, by the clock that {@link TimeLimit.allows} is asked with.
   * @param usualMs - How long tasks took in earlier runs; `undefined` if that is not known.
   */
  constructor(endMs: number, usualMs?: number) {
    this.#endMs = endMs
    this.#longestMs = usualMs ?? 0
    if (usualMs !== undefined) this.note(usualMs)
  }

  /** Notes how long a task took. */
  note(lengthMs: number): void {
    this.#lengths[this.#count % LENGTH_COUNT_MAX] = lengthMs
    this.#count += 1
    this.#longestMs = Math.max(this.#longestMs, lengthMs)
  }

  /** Whether a task that starts now would end in time, for all that is known. */
  allows(nowMs: number): boolean {
    const leftMs = this.#endMs - nowMs
    if (leftMs > this.#longestMs) return true
    return leftMs > (usualLength(this.#lengths) ?? 0)
  }
}
