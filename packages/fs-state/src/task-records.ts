/**
 * The last records of every task, kept up to date: each reading takes up only what the logs have gained since the one
 * before, so that a look at a million tasks costs no more than what has happened in between.
 */
import { NameIndex, PackedTexts, roomFor } from '@mpibatch/batch-core'
import { type AttemptLine, attemptKey, attemptLogs, readNewAttempts } from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { type RecordedAttempt, readHistory } from './history.ts'
import { listInstances } from './instance.ts'
import { codeOf } from './io-error.ts'
import { EndColumns, type EndRecord, StartColumns, type StartRecord } from './record-columns.ts'
import { LivingInstances } from './root-looks.ts'
import { listSequence } from './sequence-files.ts'
import { historyDirectory } from './store-paths.ts'

/** Records of a task's attempts: the last one that has ended, and the last one that has started. */
export interface TaskRecords {
  readonly ended?: EndRecord
  readonly started?: StartRecord
}

/** See the top of this file. Ends that were not accepted don't count. */
export class TaskRecordFollower {
  readonly #files: FileLayer
  readonly #root: string
  readonly #living: LivingInstances
  /** Tasks of which something was ever recorded. */
  readonly #names = new PackedTexts()
  readonly #index = new NameIndex((task) => this.#names.at(task))
  #ended = new EndColumns()
  #started = new StartColumns()
  /** 1 for each task of which something was recorded that {@link takeRecorded} has not told yet. */
  #untold = new Uint8Array(1 << 10)
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
    const number = this.#index.indexOf(task)
    if (number === undefined) return undefined
    const [ended, started] = [this.#ended.get(number), this.#started.get(number)]
    return { ...(ended === undefined ? {} : { ended }), ...(started === undefined ? {} : { started }) }
  }

  /** Goes through the tasks of which something was recorded since the last call, as of the last reading. */
  *takeRecorded(): Generator<string> {
    for (let task = this.#untold.indexOf(1); task !== -1; task = this.#untold.indexOf(1, task + 1)) {
      this.#untold[task] = 0
      yield this.#names.at(task)
    }
  }

  /** Takes up what was recorded since the last call. */
  read(): void {
    const present = listInstances(this.#files, this.#root)
    const parts = listSequence(this.#files, historyDirectory(this.#root)).join()
    if (parts !== this.#parts || !this.#includesAll(present)) this.#begin(parts)
    for (const instance of present) {
      if (this.#instances.get(instance) === true) continue
      // Asked before reading: what was written until then is read below.
      const ended = !this.#living.includes(instance)
      for (const line of this.#newLines(instance)) this.#add({ instance, part: Infinity, line })
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
  #begin(parts: string): void {
    this.#parts = parts
    this.#ended = new EndColumns()
    this.#started = new StartColumns()
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
      this.#add(next.value)
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

  #add({ instance, part, line }: RecordedAttempt): void {
    const task = this.#find(line.task)
    this.#untold[task] = 1
    if (line.kind === 'start') this.#started.add(task, part, line)
    else if (line.kind === 'discarded') {
      this.#discarded.add(attemptKey(instance, line))
      this.#ended.drop(task, part, line.slot)
    } else if (this.#discarded.size === 0 || !this.#discarded.has(attemptKey(instance, line)))
      this.#ended.add(task, part, line)
  }

  #find(name: string): number {
    const known = this.#index.indexOf(name)
    if (known !== undefined) return known
    const task = this.#names.add(name)
    this.#index.add(name)
    this.#untold = roomFor(this.#untold, task)
    return task
  }
}
