import type { PrintedEnd } from './output-order.ts'

/** Carries word of tasks that have ended to the process that prints. */
export interface TaskEnds {
  /** Begins to hear of all ends, on the process that prints. */
  listen(onEnd: (taskIndex: number, end: PrintedEnd) => void): void
  /** Tells of a task that has ended in this process. */
  tell(taskIndex: number, end: PrintedEnd): void
  /** Resolves when all words have come; every process calls it when nothing more ends there. */
  close(): Promise<void>
  /** Ends it where the others don't come to its closing. */
  abandon(): void
}

/** For a run in one process. */
export class LocalTaskEnds implements TaskEnds {
  #onEnd: (taskIndex: number, end: PrintedEnd) => void = () => undefined

  listen(onEnd: (taskIndex: number, end: PrintedEnd) => void): void {
    this.#onEnd = onEnd
  }

  tell(taskIndex: number, end: PrintedEnd): void {
    this.#onEnd(taskIndex, end)
  }

  async close(): Promise<void> {}

  abandon(): void {}
}
