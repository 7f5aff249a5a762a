import { syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { toStateIoError } from './io-error.ts'

/**
 * Makes sure that the directories of ended tasks stand in the task root on the disk, not only what is in them.
 *
 * One sync of the root serves all directories that were there when it began, so that many tasks which run or end at
 * once share it.
 */
export class DirectoryDurability {
  readonly #files: FileLayer
  readonly #root: string
  readonly #durable: Uint8Array
  /** Tasks whose directories were made since the last sync began. */
  #made: number[] = []
  #waiting: { readonly indices: number[]; readonly synced: Promise<void> } | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(files: FileLayer, root: string, taskCount: number) {
    this.#files = files
    this.#root = root
    this.#durable = new Uint8Array(taskCount)
  }

  /** Notes that a task's directory has been made: the next sync serves it, whichever task asks for that. */
  noteMade(taskIndex: number): void {
    this.#made.push(taskIndex)
  }

  /** Resolves when the task's directory, which exists, stands in the root on the disk. */
  ensure(taskIndex: number): Promise<void> {
    if (this.#durable[taskIndex] === 1) return Promise.resolve()
    if (this.#waiting === undefined) {
      const before = this.#running
      const indices: number[] = []
      const synced = before.catch(() => undefined).then(() => this.#sync(indices))
      this.#waiting = { indices, synced }
      this.#running = synced
    }
    this.#waiting.indices.push(taskIndex)
    return this.#waiting.synced
  }

  /** Syncs the root now, after which the tasks that are marked with 1 need no more. */
  async ensureAll(marked: Uint8Array): Promise<void> {
    await this.#syncRoot()
    for (let index = 0; index < marked.length; index += 1) if (marked[index] === 1) this.#durable[index] = 1
  }

  async #sync(indices: readonly number[]): Promise<void> {
    // Whoever comes from now on has to wait for the next sync.
    this.#waiting = undefined
    const made = this.#made
    this.#made = []
    await this.#syncRoot()
    for (const served of [indices, made]) for (const index of served) this.#durable[index] = 1
  }

  async #syncRoot(): Promise<void> {
    try {
      await syncDirectory(this.#files, this.#root)
    } catch (error) {
      throw toStateIoError(error, { path: this.#root, action: 'sync' })
    }
  }
}
