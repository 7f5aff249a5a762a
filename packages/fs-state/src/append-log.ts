import { openLog } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'

/**
 * A file to which one rank adds lines, each by a single write. It is made when the first line comes.
 *
 * A write that fails may leave part of a line; the next line then begins on a line of its own, so that a reader loses
 * only the torn one.
 */
export class AppendLog {
  readonly #files: FileLayer
  readonly #path: string
  #descriptor: number | undefined
  #torn = false

  constructor(files: FileLayer, path: string) {
    this.#files = files
    this.#path = path
  }

  /** Adds a line, given without newline. */
  add(line: string): void {
    this.#descriptor ??= openLog(this.#files, this.#path)
    const text = this.#torn ? `\n${line}\n` : `${line}\n`
    this.#torn = true
    this.#files.write(this.#descriptor, text)
    this.#torn = false
  }

  /** Waits until all lines are on the disk. */
  async sync(): Promise<void> {
    if (this.#descriptor !== undefined) await this.#files.sync(this.#descriptor)
  }

  /** Ends the use of the file. */
  close(): void {
    if (this.#descriptor !== undefined) this.#files.close(this.#descriptor)
    this.#descriptor = undefined
  }
}
