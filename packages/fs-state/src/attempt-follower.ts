import type { StoreTicket } from '@mpibatch/batch-core'
import { attemptLogs, readNewAttempts } from './attempt-log.ts'
import { type AttemptRow, endedRow } from './attempt-table.ts'
import type { FileLayer } from './file-layer.ts'
import { batchOf, listInstances, readInstance } from './instance.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import type { FsStoreTicket } from './store-session.ts'

/**
 * Tells of the attempts of one job that have ended since it was last asked, whichever of its processes ran them: each
 * adds a line to a log of its own in the root. An attempt is on record a moment before its task's state says so.
 */
export class AttemptFollower {
  readonly #root: string
  readonly #batch: string
  readonly #files: FileLayer
  /** Whether an instance belongs to the job, as far as they were looked at. */
  readonly #isOurs = new Map<string, boolean>()
  /** Bytes of each log that were read. */
  readonly #readSize = new Map<string, number>()

  /** @param ticket - That of the batch's store. */
  constructor(ticket: StoreTicket, files: FileLayer = nodeFileLayer) {
    const { root, instance, batch = instance } = ticket as FsStoreTicket
    this.#root = root
    this.#batch = batch
    this.#files = files
  }

  /** What has ended since the last call; of one process in the order of time. */
  *read(): Generator<AttemptRow> {
    for (const instance of listInstances(this.#files, this.#root)) {
      if (!this.#belongs(instance)) continue
      for (const path of attemptLogs(this.#files, this.#root, instance)) {
        for (const line of readNewAttempts(this.#files, path, this.#readSize))
          if (line.kind === 'end') yield endedRow(instance, line)
      }
    }
  }

  #belongs(instance: string): boolean {
    const known = this.#isOurs.get(instance)
    if (known !== undefined) return known
    const { info } = readInstance(this.#files, this.#root, instance)
    // It has not registered completely yet.
    if (info === undefined) return false
    const isOurs = batchOf(info) === this.#batch
    this.#isOurs.set(instance, isOurs)
    return isOurs
  }
}
