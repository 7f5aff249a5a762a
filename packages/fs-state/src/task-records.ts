/**
 * The last records of every task, kept up to date: each reading takes up only what the logs have gained since the one
 * before, so that a look at a million tasks costs no more than what has happened in between.
 */
import {
  type AttemptLine,
  attemptKey,
  attemptLogs,
  type EndLine,
  readNewAttempts,
  type StartLine,
} from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { type RecordedAttempt, readHistory } from './history.ts'
import { listInstances } from './instance.ts'
import { codeOf } from './io-error.ts'
import { LivingInstances } from './root-looks.ts'
import { listSequence } from './sequence-files.ts'
import { historyDirectory } from './store-paths.ts'

/** Records of a task's attempts: the last one that has ended, and the last one that has started. */
export interface TaskRecords {
  readonly ended?: EndLine
  readonly started?: StartLine
}

/** A line that is the last of its kind so far. */
interface Latest<Line> {
  readonly line: Line
  readonly part: number
}

interface LatestLines {
  ended?: Latest<EndLine>
  started?: Latest<StartLine>
}

/** See the top of this file. Ends that were not accepted don't count. */
export class TaskRecordFollower {
  readonly #files: FileLayer
  readonly #root: string
  readonly #living: LivingInstances
  #latest = new Map<string, LatestLines>()
  /** Attempts whose ends were not accepted, by {@link attemptKey}. */
  #discarded = new Set<string>()
  /** Bytes of each log that were read. */
  #sizes = new Map<string, number>()
  /** Instances whose logs were read; `true` if that was after their end, so that nothing more will come. */
  #instances = new Map<string, boolean>()
  /** Parts of the history that were read; `undefined` before the first reading. */
  #parts: string | undefined

  constructor(files: FileLayer, root: string) {
    this.#files = files
    this.#root = root
    this.#living = new LivingInstances({ files, root, instance: undefined })
  }

  /** The records of a task, as of the last reading. */
  get(task: string): TaskRecords | undefined {
    const latest = this.#latest.get(task)
    if (latest === undefined) return undefined
    const { ended, started } = latest
    return {
      ...(ended === undefined ? {} : { ended: ended.line }),
      ...(started === undefined ? {} : { started: started.line }),
    }
  }

  /**
   * Takes up what was recorded since the last call.
   *
   * @param note - Hears the name of each task of which something was; the same one may come several times.
   */
  read(note: (task: string) => void): void {
    const present = listInstances(this.#files, this.#root)
    const parts = listSequence(this.#files, historyDirectory(this.#root)).join()
    if (parts !== this.#parts || !this.#includesAll(present)) this.#begin(parts, note)
    for (const instance of present) {
      if (this.#instances.get(instance) === true) continue
      // Asked before reading: what was written until then is read below.
      const ended = !this.#living.includes(instance)
      for (const line of this.#newLines(instance)) this.#add({ instance, part: Infinity, line }, note)
      this.#instances.set(instance, ended)
    }
  }

  /** Whether no directory has gone away that was read: gc moves what it says to the history, or has removed it. */
  #includesAll(present: readonly string[]): boolean {
    const names = new Set(present)
    for (const instance of this.#instances.keys()) if (!names.has(instance)) return false
    return true
  }

  /** Forgets all, and reads the history. */
  #begin(parts: string, note: (task: string) => void): void {
    this.#parts = parts
    this.#latest = new Map()
    this.#discarded = new Set()
    this.#sizes = new Map()
    this.#instances = new Map()
    const history = readHistory(this.#files, this.#root)
    for (let next = history.next(); ; next = history.next()) {
      if (next.done === true) {
        const present = new Set(listInstances(this.#files, this.#root))
        for (const instance of next.value) if (present.has(instance)) this.#instances.set(instance, true)
        return
      }
      this.#add(next.value, note)
    }
  }

  *#newLines(instance: string): Generator<AttemptLine> {
    try {
      for (const path of attemptLogs(this.#files, this.#root, instance))
        yield* readNewAttempts(this.#files, path, this.#sizes)
    } catch (error) {
      // It is being removed; the next reading begins anew.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESTALE') throw error
    }
  }

  #add({ instance, part, line }: RecordedAttempt, note: (task: string) => void): void {
    const latest = this.#latest.get(line.task) ?? {}
    if (line.kind === 'start') {
      if (isLater({ line, part }, latest.started)) latest.started = { line, part }
    } else if (line.kind === 'discarded') {
      this.#discarded.add(attemptKey(instance, line))
      if (latest.ended?.line.slot === line.slot && latest.ended.part === part) delete latest.ended
    } else if (!this.#discarded.has(attemptKey(instance, line)) && isLater({ line, part }, latest.ended)) {
      latest.ended = { line, part }
    }
    this.#latest.set(line.task, latest)
    note(line.task)
  }
}

function isLater<Line extends EndLine | StartLine>(
  { line, part }: Latest<Line>,
  known: Latest<Line> | undefined,
): boolean {
  return known === undefined || part > known.part || (part === known.part && line.slot >= known.line.slot)
}
