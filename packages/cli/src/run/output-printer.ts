import { constants, createReadStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { discardLogs, type LogPolicy, logFiles } from '../command/log-policy.ts'
import { outliveReaders } from '../output/broken-pipe.ts'
import { LineTag } from '../output/line-tag.ts'
import { printable } from '../output/printable.ts'
import type { ProgressDisplay } from '../output/progress-display.ts'
import type { EndedTask, OutputOrder, PrintedEnd } from './output-order.ts'

const NEWLINE = 0x0a

/** What an {@link OutputPrinter} prints, and how. */
export interface OutputPrinterOptions {
  readonly nameOf: (taskIndex: number) => string
  readonly directoryOf: (taskIndex: number) => string
  /** Group ranks whose output a task has. */
  readonly groupRanks: readonly number[]
  /** Whether each line has the task's name before it. */
  readonly tag: boolean
  readonly order: OutputOrder
  /** Which tasks keep their output in files when it has been printed. */
  readonly logs: LogPolicy
  readonly progress: Pick<ProgressDisplay, 'printAside' | 'message'>
}

/**
 * `--print`: the output of each task on this program's own, whole, when the task has ended for good; on standard output
 * and standard error as the task had it. It is read from the task's files, so that its size does not matter.
 */
export class OutputPrinter {
  readonly #options: OutputPrinterOptions
  /** Prints one after another. */
  #printing: Promise<void> = Promise.resolve()
  /** Whether what was printed last does not end a line. */
  #isMidLine = false
  /** A reader has gone away: nothing more is printed there. */
  readonly #gone = new Set<Writable>()

  constructor(options: OutputPrinterOptions) {
    this.#options = options
    outliveReaders()
  }

  /** Hears that a task has ended here. */
  ended(taskIndex: number, end: PrintedEnd): void {
    this.#print(this.#options.order.ended(taskIndex, end))
  }

  /** Prints what is left, when no task can end any more. */
  async close(): Promise<void> {
    this.#print(this.#options.order.rest())
    await this.#printing
  }

  #print(tasks: readonly EndedTask[]): void {
    if (tasks.length === 0) return
    this.#printing = this.#printing.then(() =>
      this.#options.progress.printAside(async () => {
        for (const task of tasks) await this.#printTask(task)
        return this.#isMidLine
      }),
    )
  }

  async #printTask({ taskIndex, end }: EndedTask): Promise<void> {
    const { groupRanks, logs, directoryOf } = this.#options
    for (const groupRank of groupRanks) {
      const { stdoutPath, stderrPath } = logFiles(directoryOf(taskIndex), groupRank)
      await this.#copy(taskIndex, stdoutPath, process.stdout)
      await this.#copy(taskIndex, stderrPath, process.stderr)
      if (logs === 'none' || (logs === 'failed' && end === 'DONE')) discardLogs({ stdoutPath, stderrPath })
    }
  }

  async #copy(taskIndex: number, path: string, target: Writable): Promise<void> {
    const { tag, nameOf, progress } = this.#options
    const tagger = tag ? new LineTag(`${printable(nameOf(taskIndex))}\t`) : undefined
    try {
      for await (const piece of readPieces(path)) await this.#write(target, tagger?.put(piece) ?? piece)
      if (tagger !== undefined) await this.#write(target, tagger.end())
    } catch (error) {
      progress.message(
        `The output of task ${nameOf(taskIndex)} can't be printed: ${(error as Error).message}.`,
      )
    }
  }

  /** Resolves when the piece is written, or its reader has gone away. */
  async #write(target: Writable, piece: Buffer): Promise<void> {
    if (piece.length === 0 || this.#gone.has(target)) return
    this.#isMidLine = piece.at(-1) !== NEWLINE
    await new Promise<void>((resolve) => {
      target.write(piece, (error) => {
        if (error) this.#gone.add(target)
        resolve()
      })
    })
  }
}

/** Reads never through a link that a task has put there, and never waits for the other end of a pipe. */
function readPieces(path: string): AsyncIterable<Buffer> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  // Node takes numbers here as `open` does; its types know of texts only.
  return createReadStream(path, { flags: flags as unknown as string })
}
