/**
 * Stops commands when the lease of their instance has run out, also while this thread is stuck.
 *
 * Claims and results are made by synchronous calls, and a call to a file system that has gone away may last for
 * minutes. The thread that makes it sends no signals then, but others may soon start the same tasks. So a thread of its
 * own, which touches no files of the task root, looks at the lease and stops the process groups that it is told of.
 */
import { Worker } from 'node:worker_threads'
import { invariant, type StoreTicket } from '@mpibatch/batch-core'

/** What the thread is given: plain data, and shared memory. */
export interface CommandGuardSetup {
  /** Of the store, which leads to the lease. */
  readonly ticket: StoreTicket
  /** Process groups of the commands that run; 0 where there is none. */
  readonly groups: Int32Array
}

/** See the top of this file. */
export class CommandGuard {
  readonly #setup: CommandGuardSetup
  /** Numbers of the elements that no command has. */
  readonly #free: number[]
  #thread: Worker | undefined

  /** @param options - `slots` is the number of commands at once, at most. */
  constructor(options: { readonly ticket: StoreTicket; readonly slots: number }) {
    const { ticket, slots } = options
    const groups = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT))
    this.#setup = { ticket, groups }
    this.#free = Array.from({ length: slots }, (_, index) => slots - 1 - index)
  }

  /**
   * Makes a place for a command that is about to start; the first one starts the thread.
   *
   * @returns Shared memory of one element, for its process group; and what gives it back, to be called as soon as the
   *   command has ended, or could not be started.
   */
  place(): { readonly group: Int32Array; readonly free: () => void } {
    this.#thread ??= this.#start()
    const index = this.#free.pop()
    invariant(index !== undefined, `No more than ${this.#setup.groups.length} commands run at once`)
    const group = this.#setup.groups.subarray(index, index + 1)
    const free = (): void => {
      Atomics.store(group, 0, 0)
      this.#free.push(index)
    }
    return { group, free }
  }

  /** Ends the thread. */
  close(): void {
    void this.#thread?.terminate()
  }

  #start(): Worker {
    const thread = new Worker(new URL('./command-guard-thread.js', import.meta.url), {
      workerData: this.#setup,
    })
    // Without it, commands are still stopped by this thread whenever that is not stuck.
    thread.once('error', () => undefined)
    thread.unref()
    return thread
  }
}
