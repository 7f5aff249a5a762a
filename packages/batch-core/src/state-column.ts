import type { Communicator } from './communicator.ts'
import type { SharedWindow } from './shared-window.ts'
import { TABLE_STATES, type TableState } from './task-state.ts'

/**
 * The states of all tasks for every rank to read, where several nodes share a batch that no store keeps: a window with
 * one word per task. Whoever claims or ends a task says so without waiting for it.
 */
export class StateColumn {
  readonly #window: SharedWindow
  /** State codes of tasks that are still to be sent, the newest of each. */
  #unsent = new Map<number, number>()
  #sending: Promise<void> | undefined

  /** Makes the column. Collective; `codes` on rank 0: the states of all tasks. */
  static async open(
    world: Communicator,
    options: { readonly taskCount: number; readonly codes: Uint8Array | undefined },
  ): Promise<StateColumn> {
    const { taskCount, codes } = options
    const window = await world.createWindow({ length: taskCount })
    if (codes !== undefined) await window.write(0, Int32Array.from(codes))
    await world.barrier()
    return new StateColumn(window)
  }

  private constructor(window: SharedWindow) {
    this.#window = window
  }

  /** Notes the state of a task that this rank has claimed; others see it soon. */
  note(index: number, state: TableState): void {
    this.#unsent.set(index, TABLE_STATES.indexOf(state))
    this.#sending ??= this.#send()
  }

  /** Reads the state of a task, as it was noted last. */
  async read(index: number): Promise<TableState> {
    return TABLE_STATES[await this.#window.load(index)] ?? 'INVALID'
  }

  /** Reads the states of all tasks, as they were noted last. */
  async readAll(): Promise<TableState[]> {
    const words = await this.#window.read(0, this.#window.length)
    return Array.from(words, (word) => TABLE_STATES[word] ?? 'INVALID')
  }

  /** Resolves when others see what this rank has noted. */
  async flush(): Promise<void> {
    await this.#sending
  }

  /** Frees the column. Collective. */
  async close(): Promise<void> {
    await this.#sending
    await this.#window.close()
  }

  async #send(): Promise<void> {
    try {
      while (this.#unsent.size > 0) {
        const batch = this.#unsent
        this.#unsent = new Map()
        // One task's states arrive in order, since no batch begins before the one before it has arrived.
        await Promise.all([...batch].map(([index, code]) => this.#window.store(index, code)))
      }
    } catch {
      // A window that is gone is reported by the calls that need an answer.
    } finally {
      // In the step that has seen nothing unsent: whoever notes something after it has to send it.
      this.#sending = undefined
    }
  }
}
