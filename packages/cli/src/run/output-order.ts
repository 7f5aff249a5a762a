/** How a task ended whose output is printed. */
export type PrintedEnd = 'DONE' | 'FAILED'

/** A task whose output is to be printed. */
export interface EndedTask {
  readonly taskIndex: number
  readonly end: PrintedEnd
}

/** States of {@link OutputOrder}: which tasks are waited for, and which ended how. */
const PASSED = 0
const AWAITED = 1
const ENDED_DONE = 2
const ENDED_FAILED = 3

/** What an {@link OutputOrder} needs to know of a run. */
export interface OutputOrderOptions {
  /** How often a failed task is run again. */
  readonly retries: number
  /**
   * For `--keep-order`: for each task whether this run may run it. Without it, tasks are printed as they end.
   */
  readonly awaited?: Iterable<boolean> | undefined
}

/** Decides when the output of a task is printed: when it has ended for good, and in the order of tasks if asked (pure). */
export class OutputOrder {
  readonly #retries: number
  /** How often each task has failed, of those that are run again. */
  readonly #failures = new Map<number, number>()
  readonly #states: Uint8Array | undefined
  /** All before it are printed, or not waited for. */
  #next = 0

  constructor({ retries, awaited }: OutputOrderOptions) {
    this.#retries = retries
    if (awaited !== undefined) this.#states = Uint8Array.from(awaited, (is) => (is ? AWAITED : PASSED))
  }

  /** Takes the end of a task's attempt. @returns What is to be printed now, in this order. */
  ended(taskIndex: number, end: PrintedEnd): readonly EndedTask[] {
    if (end === 'FAILED' && this.#runsAgain(taskIndex)) return []
    this.#failures.delete(taskIndex)
    if (this.#states === undefined) return [{ taskIndex, end }]
    // One that was taken over from another instance, or came late: it has its turn at once.
    if (taskIndex < this.#next) return [{ taskIndex, end }]
    this.#states[taskIndex] = end === 'DONE' ? ENDED_DONE : ENDED_FAILED
    return this.#take((state) => state !== AWAITED)
  }

  /** What has not been printed, when no task can end any more. */
  rest(): readonly EndedTask[] {
    const failed = [...this.#failures.keys()]
    this.#failures.clear()
    if (this.#states === undefined)
      return failed.sort((one, other) => one - other).map((taskIndex) => ({ taskIndex, end: 'FAILED' }))
    for (const taskIndex of failed) this.#states[taskIndex] = ENDED_FAILED
    return this.#take(() => true)
  }

  #runsAgain(taskIndex: number): boolean {
    const failures = (this.#failures.get(taskIndex) ?? 0) + 1
    this.#failures.set(taskIndex, failures)
    return failures <= this.#retries
  }

  #take(mayPass: (state: number) => boolean): EndedTask[] {
    const states = this.#states ?? new Uint8Array()
    const taken: EndedTask[] = []
    for (; this.#next < states.length; this.#next += 1) {
      const state = states[this.#next] ?? PASSED
      if (!mayPass(state)) break
      if (state === ENDED_DONE) taken.push({ taskIndex: this.#next, end: 'DONE' })
      if (state === ENDED_FAILED) taken.push({ taskIndex: this.#next, end: 'FAILED' })
    }
    return taken
  }
}
