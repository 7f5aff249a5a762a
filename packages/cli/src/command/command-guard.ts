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
  #thread: Worker | undefined

  /** @param options - `slots` is the number of commands at once, at most. */
  constructor(options: { readonly ticket: StoreTicket; readonly slots: number }) {
    const { ticket, slots } = options
    const groups = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT))
    this.#setup = { ticket, groups }
  }

  /**
   * Watches over a command that has started; the first one starts the thread.
   *
   * @returns Ends that; to be called as soon as the command has ended.
   */
  watch(processGroup: number): () => void {
    this.#thread ??= this.#start()
    const { groups } = this.#setup
    const index = groups.indexOf(0)
    invariant(index !== -1, `No more than ${groups.length} commands run at once`)
    Atomics.store(groups, index, processGroup)
    return () => Atomics.store(groups, index, 0)
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
