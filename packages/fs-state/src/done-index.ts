/**
 * The index: which tasks were DONE last, from the newest snapshot and the journals of all instances, so that a start
 * need not open a file per task (`docs/state-files.md`, Index).
 *
 * It is a hint: a task that it does not know is read, and nothing is claimed or written because of it. What it must
 * never do is to say DONE of a task that was opened again, for such a task would be passed over. So a line `R` stands
 * against every `D` up to its own slot, is on the disk before the task is opened, and is kept as long as an instance
 * could still add a line `D` from before.
 */
import type { NameIndex } from '@mpibatch/batch-core'
import { readLineBlocks } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import {
  type MergedJournal,
  parseMergedJournal,
  readSnapshot,
  type SnapshotContent,
} from './index-snapshot.ts'
import { listInstances } from './instance.ts'
import { codeOf } from './io-error.ts'
import { type JournalLine, parseIndexLine, parseJournalLine } from './journal.ts'
import { listSequence } from './sequence-files.ts'
import { instanceDirectory, journalPath, snapshotPath, snapshotsDirectory } from './store-paths.ts'

/** What all lines together say. Tasks are given by their place in the list; others are kept by name. */
export class DoneIndex {
  readonly #tasks: NameIndex
  /** Of each task the line that counts, as {@link weigh} gives it. */
  readonly #weights: Uint32Array
  readonly #others = new Map<string, number>()
  /** Bytes of each journal that are merged, by instance and rank. */
  readonly #merged = new Map<string, number>()
  #lineCount = 0
  #freshCount = 0
  /** Where the next line is looked for first: a snapshot is in the order of the list that it was made with. */
  #cursor = 0

  constructor(tasks: NameIndex) {
    this.#tasks = tasks
    this.#weights = new Uint32Array(tasks.count)
  }

  /** Tells whether a task was DONE. */
  isDone(taskIndex: number): boolean {
    return isDone(this.#weights[taskIndex] ?? NOTHING)
  }

  /** The slot of the line that counts for a task; 0 if there is none. */
  slotOf(taskIndex: number): number {
    const weight = this.#weights[taskIndex] ?? NOTHING
    return weight === NOTHING ? 0 : slotIn(weight)
  }

  /** The line that counts for a task. */
  lineOf(taskIndex: number): JournalLine | undefined {
    const weight = this.#weights[taskIndex] ?? NOTHING
    return weight === NOTHING ? undefined : toLine(weight, this.#tasks.nameOf(taskIndex))
  }

  /** Takes a line into account. */
  add({ kind, slot, task }: JournalLine): void {
    const weight = weigh(kind, slot)
    const taskIndex = this.#find(task)
    if (taskIndex === undefined) {
      if (weight > (this.#others.get(task) ?? NOTHING)) this.#others.set(task, weight)
    } else if (weight > (this.#weights[taskIndex] ?? NOTHING)) this.#weights[taskIndex] = weight
  }

  /** Forgets what was said of a task, because it is not true. */
  drop(taskIndex: number): void {
    this.#weights[taskIndex] = NOTHING
  }

  /** Lines that the snapshot had, and lines that the journals had beyond it. */
  get counts(): { readonly merged: number; readonly fresh: number } {
    return { merged: this.#lineCount, fresh: this.#freshCount }
  }

  /** Takes a line of a snapshot; tells whether it understands it. */
  addSnapshotLine(text: string): boolean {
    const line = parseIndexLine(text)
    if (line !== undefined) {
      this.#lineCount += 1
      this.add(line)
      return true
    }
    const journal = parseMergedJournal(text)
    if (journal === undefined) return false
    this.#merged.set(`${journal.instance} ${journal.proc}`, journal.size)
    return true
  }

  /**
   * Takes what a journal has beyond the snapshot. It counts as merged up to the first line that can't be read: on a
   * network file system that line may only be there in part as yet.
   *
   * @throws The system's error.
   */
  addJournal(files: FileLayer, root: string, instance: string, proc: number): void {
    const key = `${instance} ${proc}`
    const before = this.#merged.get(key) ?? 0
    const path = journalPath(instanceDirectory(root, instance), proc)
    let size = before
    let readable = true
    for (const { bytes, torn } of readLineBlocks(files, path, before)) {
      if (torn) break
      const text = bytes.toString('utf8')
      let start = 0
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        const line = parseJournalLine(text.slice(start, end))
        if (line === undefined) {
          if (readable) size += Buffer.byteLength(text.slice(0, start))
          readable = false
        } else {
          this.#freshCount += 1
          this.add(line)
        }
        start = end + 1
      }
      if (readable) size += bytes.length
    }
    this.#merged.set(key, size)
  }

  /** Everything, for a snapshot. Lines on tasks of the list come in its order. */
  content(): SnapshotContent {
    return { journals: this.journals(), lines: this.#lines() }
  }

  /** All journals, and how much of each is taken into account. */
  *journals(): Generator<MergedJournal> {
    for (const [key, size] of this.#merged) {
      const [instance = '', proc] = key.split(' ')
      yield { instance, proc: Number(proc), size }
    }
  }

  *#lines(): Generator<JournalLine> {
    for (let taskIndex = 0; taskIndex < this.#tasks.count; taskIndex += 1) {
      const line = this.lineOf(taskIndex)
      if (line !== undefined) yield line
    }
    for (const [task, weight] of this.#others) yield toLine(weight, task)
  }

  #find(task: string): number | undefined {
    const cursor = this.#cursor
    const isNext = cursor < this.#tasks.count && this.#tasks.nameOf(cursor) === task
    const taskIndex = isNext ? cursor : this.#tasks.indexOf(task)
    if (taskIndex !== undefined) this.#cursor = taskIndex + 1
    return taskIndex
  }
}

/**
 * Reads the index.
 *
 * @throws The system's error if a journal can't be read: a line `R` in it might be missed.
 */
export function readDoneIndex(files: FileLayer, root: string, tasks: NameIndex): DoneIndex {
  const index = readNewestSnapshot(files, root, tasks) ?? new DoneIndex(tasks)
  for (const instance of listInstances(files, root)) {
    for (const { name, kind } of files.list(instanceDirectory(root, instance))) {
      const proc = JOURNAL_NAME.exec(name)?.[1]
      if (proc !== undefined && kind === 'file') index.addJournal(files, root, instance, Number(proc))
    }
  }
  return index
}

/** Names of journals, and the rank in them. */
export const JOURNAL_NAME: RegExp = /^journal\.(0|[1-9][0-9]{0,8})$/

/** Reads the index; `undefined` if that can't be done. */
export function tryReadDoneIndex(files: FileLayer, root: string, tasks: NameIndex): DoneIndex | undefined {
  try {
    return readDoneIndex(files, root, tasks)
  } catch (error) {
    if (codeOf(error) === '') throw error
    return undefined
  }
}

function readNewestSnapshot(files: FileLayer, root: string, tasks: NameIndex): DoneIndex | undefined {
  const sequences = listSequence(files, snapshotsDirectory(root))
  for (const sequence of [...sequences].reverse()) {
    const index = new DoneIndex(tasks)
    try {
      if (readSnapshot(files, snapshotPath(root, sequence), (text) => index.addSnapshotLine(text)))
        return index
    } catch (error) {
      // One that can't be read, or was removed because there are newer ones, is as good as none.
      if (codeOf(error) === '') throw error
    }
  }
  return undefined
}

/** No line. */
const NOTHING = 0

/** A line as a number, of which the highest counts: by slot, and at one slot `R` before `D`. */
function weigh(kind: JournalLine['kind'], slot: number): number {
  return 2 * (slot + 1) + (kind === 'R' ? 1 : 0)
}

function isDone(weight: number): boolean {
  return weight !== NOTHING && weight % 2 === 0
}

function slotIn(weight: number): number {
  return Math.floor(weight / 2) - 1
}

function toLine(weight: number, task: string): JournalLine {
  return { kind: isDone(weight) ? 'D' : 'R', slot: slotIn(weight), task }
}
