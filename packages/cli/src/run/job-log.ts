import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { type AnnouncedTasks, ConfigError, NameIndex, type StoreTicket } from '@mpibatch/batch-core'
import { AttemptFollower } from '@mpibatch/fs-state'
import { JOB_LOG_HEADER, jobLogLine } from '../output/job-log-line.ts'

/** How often the records are looked at, in milliseconds. */
const LOOK_MS = 500

/** A batch whose attempts go to a job log. */
export interface LoggedBatch {
  /** That of the batch's store; `undefined` if it has none. */
  readonly ticket: StoreTicket | undefined
  readonly tasks: AnnouncedTasks
}

interface Followed {
  readonly follower: AttemptFollower
  readonly tasks: AnnouncedTasks
  /** Positions of the tasks by name, when they are needed. */
  names?: NameIndex
}

/**
 * `--joblog FILE`: a line for each task that ends, wherever in the job it ran. A file that is there goes on, as the run
 * does. What is logged is what the ranks have put on record in the root, so a line comes up to half a second late.
 */
export class JobLog {
  readonly #path: string
  readonly #descriptor: number
  readonly #onMessage: (text: string) => void
  readonly #followed: Followed[] = []
  #timer: NodeJS.Timeout | undefined
  #hasFailed = false

  /**
   * Opens the file.
   *
   * @throws {@link ConfigError} if it can't be written, or is something else than a job log.
   */
  constructor(path: string, onMessage: (text: string) => void) {
    this.#path = path
    this.#onMessage = onMessage
    this.#descriptor = openLog(path)
  }

  /** Begins to log what ends in a batch. */
  follow({ ticket, tasks }: LoggedBatch): void {
    if (ticket === undefined) {
      this.#onMessage(
        'A batch without a task root keeps no record of its tasks, so --joblog gets none of them.',
      )
      return
    }
    this.#followed.push({ follower: new AttemptFollower(ticket), tasks })
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** Logs what is left, when nothing more can end, and closes the file. */
  close(): void {
    clearInterval(this.#timer)
    this.#look()
    closeSync(this.#descriptor)
  }

  #look(): void {
    if (this.#hasFailed) return
    try {
      for (const followed of this.#followed) {
        const text = newLines(followed)
        if (text !== '') writeSync(this.#descriptor, text)
      }
    } catch (error) {
      // The run itself has what it needs.
      this.#hasFailed = true
      this.#onMessage(
        `${this.#path} is not added to any more: ${(error as Error).message}. "mpibatch export --joblog" has all of it.`,
      )
    }
  }
}

function newLines(followed: Followed): string {
  const { follower, tasks } = followed
  let text = ''
  for (const row of follower.read()) {
    followed.names ??= NameIndex.of(tasks.length, (index) => tasks.at(index)?.name ?? '')
    const index = followed.names.indexOf(row.task) ?? -1
    const summary = index < 0 ? undefined : tasks.at(index)?.summary
    const line = jobLogLine(row, { number: index + 1, summary })
    if (line !== undefined) text += `${line}\n`
  }
  return text
}

function openLog(path: string): number {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND)
  } catch (error) {
    throw new ConfigError(
      `The job log ${JSON.stringify(path)} can't be written: ${(error as Error).message}. Name another file.`,
      { cause: error },
    )
  }
  const status = fstatSync(descriptor)
  const start = Buffer.alloc(JOB_LOG_HEADER.length)
  if (status.isFile() && status.size > 0) {
    readSync(descriptor, start, 0, start.length, 0)
    if (start.toString() !== JOB_LOG_HEADER) {
      closeSync(descriptor)
      throw new ConfigError(`${JSON.stringify(path)} is there, and is no job log. Name another file.`)
    }
  } else writeSync(descriptor, `${JOB_LOG_HEADER}\n`)
  return descriptor
}
