import type { Communicator } from '@mpibatch/batch-core'
import type { PrintedEnd } from '../run/output-order.ts'
import type { TaskEnds } from '../run/task-ends.ts'

/** A task has ended on a rank, or nothing more will. */
type EndWord = { readonly taskIndex: number; readonly end: PrintedEnd } | 'over'

/** Lets all ranks tell rank 0, which prints. */
export class MpiTaskEnds implements TaskEnds {
  readonly #communicator: Communicator
  readonly #abandoned = new AbortController()
  #onEnd: (taskIndex: number, end: PrintedEnd) => void = () => undefined
  #hearing: Promise<void> = Promise.resolve()

  /** Not collective. @param communicator - Of all ranks; used for nothing else. */
  constructor(communicator: Communicator) {
    this.#communicator = communicator
  }

  listen(onEnd: (taskIndex: number, end: PrintedEnd) => void): void {
    this.#onEnd = onEnd
    this.#hearing = this.#hear()
    // What goes wrong here goes wrong for those who close it.
    this.#hearing.catch(() => undefined)
  }

  tell(taskIndex: number, end: PrintedEnd): void {
    if (this.#communicator.rank === 0) this.#onEnd(taskIndex, end)
    else this.#send({ taskIndex, end })
  }

  async close(): Promise<void> {
    if (this.#communicator.rank > 0) this.#send('over')
    await this.#hearing
  }

  abandon(): void {
    this.#abandoned.abort()
  }

  #send(word: EndWord): void {
    // If rank 0 is lost, whoever notices the loss ends the job.
    this.#communicator.send(word, { destination: 0 }).catch(() => undefined)
  }

  async #hear(): Promise<void> {
    const { signal } = this.#abandoned
    for (let left = this.#communicator.size - 1; left > 0; ) {
      const { data } = await this.#communicator.receive<EndWord>({ signal })
      if (data === 'over') left -= 1
      else this.#onEnd(data.taskIndex, data.end)
    }
  }
}
