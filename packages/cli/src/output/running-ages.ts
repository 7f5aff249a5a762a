interface Cohort {
  readonly startedAtMs: number
  count: number
}

/**
 * How long tasks run, found from counts alone: whoever has started first is taken to end first. The sum over all tasks, and
 * so their mean, does not depend on that (pure; the caller brings the clock).
 */
export class RunningAges {
  /** Tasks that run, by when they were first seen to, the oldest first. */
  readonly #cohorts: Cohort[] = []
  #runningCount = 0
  #endedCount: number | undefined
  #endedSeconds = 0
  #measuredCount = 0

  /** Takes the number of tasks that run and that have ended, at a moment. */
  update({ running, ended }: { readonly running: number; readonly ended: number }, nowMs: number): void {
    // A retry takes a failed task back, so the number of ended tasks can shrink.
    const endedNow = Math.max(ended - (this.#endedCount ?? ended), 0)
    const startedNow = running - this.#runningCount + endedNow
    if (startedNow > 0) this.#cohorts.push({ startedAtMs: nowMs, count: startedNow })
    if (startedNow < 0) this.#take(-startedNow, () => this.#cohorts.at(-1))
    const ending = this.#take(endedNow, () => this.#cohorts[0])
    for (const { startedAtMs, count } of ending) {
      this.#endedSeconds += (count * (nowMs - startedAtMs)) / 1000
      this.#measuredCount += count
    }
    this.#runningCount = running
    this.#endedCount = ended
  }

  /** Mean length of the tasks that ended, in seconds; `undefined` before the first has. */
  get meanSeconds(): number | undefined {
    return this.#measuredCount === 0 ? undefined : this.#endedSeconds / this.#measuredCount
  }

  /** For each task that runs, for how long it has, in seconds. */
  agesAt(nowMs: number): readonly number[] {
    return this.#cohorts.flatMap(({ startedAtMs, count }) =>
      new Array<number>(count).fill((nowMs - startedAtMs) / 1000),
    )
  }

  #take(count: number, next: () => Cohort | undefined): Cohort[] {
    const taken: Cohort[] = []
    let left = count
    for (let cohort = next(); cohort !== undefined && left > 0; cohort = next()) {
      const part = Math.min(left, cohort.count)
      taken.push({ startedAtMs: cohort.startedAtMs, count: part })
      cohort.count -= part
      left -= part
      if (cohort.count === 0) this.#cohorts.splice(this.#cohorts.indexOf(cohort), 1)
    }
    return taken
  }
}
