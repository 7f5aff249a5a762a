import { AppendLog } from './append-log.ts'
import type { FileLayer } from './file-layer.ts'
import { type JournalLine, printJournalLine } from './journal.ts'

/** Characters that wait at most before they are written. */
const BUFFER_SIZE_MAX = 1 << 16

/** A line that waits is written with the first one that comes so long after it. */
const BUFFER_AGE_MS_MAX = 1000

/**
 * The journal of one rank. Lines that say DONE wait for others, so that thousands share a write: one that is lost costs
 * a later start the reading of one file. A line on a task that is opened again must not be lost.
 */
export class JournalLog {
  readonly #log: AppendLog
  #waiting = ''
  #waitingSinceMs = 0

  constructor(files: FileLayer, path: string) {
    this.#log = new AppendLog(files, path)
  }

  /** Adds a `D` line, sooner or later. Never fails. */
  addDone(task: string, slot: number): void {
    const nowMs = performance.now()
    if (this.#waiting === '') this.#waitingSinceMs = nowMs
    this.#add({ kind: 'D', slot, task })
    if (this.#waiting.length > BUFFER_SIZE_MAX || nowMs - this.#waitingSinceMs > BUFFER_AGE_MS_MAX)
      this.#flush()
  }

  /**
   * Adds `R` lines now, behind all that wait.
   *
   * @param options.sync - Wait until they are on the disk.
   * @throws The system's error.
   */
  async addReopened(
    lines: Iterable<Omit<JournalLine, 'kind'>>,
    options: { readonly sync: boolean },
  ): Promise<void> {
    for (const line of lines) this.#add({ kind: 'R', ...line })
    this.#write()
    if (options.sync) await this.#log.sync()
  }

  /** Writes what waits, and ends the use of the file. Never fails. */
  close(): void {
    this.#flush()
    this.#log.close()
  }

  #add(line: JournalLine): void {
    const text = printJournalLine(line)
    this.#waiting += this.#waiting === '' ? text : `\n${text}`
  }

  #flush(): void {
    try {
      this.#write()
    } catch {
      // The next start reads the states of these tasks; a full disk shows where it matters.
    }
  }

  #write(): void {
    if (this.#waiting === '') return
    const text = this.#waiting
    this.#waiting = ''
    this.#log.add(text)
  }
}
