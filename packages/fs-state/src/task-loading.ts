/**
 * Reads the states of all tasks at once: the names of the root in one go, then one small file per task that the index
 * does not know to be DONE.
 */
import {
  type LoadedFault,
  type LoadedStates,
  type NamedList,
  NameIndex,
  STATE_CODE,
} from '@mpibatch/batch-core'
import { type DoneIndex, tryReadDoneIndex } from './done-index.ts'
import { directoryFault } from './known-tasks.ts'
import type { Verdict } from './owners.ts'
import { isSnapshotDue, tryPublishSnapshot } from './snapshot-publishing.ts'
import { statePath, taskDirectory } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { isPlainlyDone, readState, readTask } from './task-chain.ts'
import { invalidFault } from './task-view.ts'

/** Lists with fewer tasks are read whole: that is fast, and sees what was changed by hand. */
const INDEXED_TASKS_MIN = 10_000

/** Of the tasks that the index calls DONE so many are read: this part, within these bounds. */
const SAMPLE_PART = 0.01
const SAMPLE_COUNT_MAX = 100

/** How {@link loadTasks} goes about it. */
export interface LoadOptions {
  /** Read every task, whatever the index says. @defaultValue false */
  readonly rescan?: boolean
  /** A number from 0, below 1; chooses the tasks that the index is tried with. @defaultValue Math.random */
  readonly random?: () => number
  /** Lists with fewer tasks are read whole. @defaultValue 10,000 */
  readonly indexedFrom?: number
}

/** All states, and which tasks have a directory already. */
export interface LoadedTasks extends LoadedStates {
  /** 1 for each task that has one. */
  readonly present: Uint8Array
}

/** Reads the states of all tasks. */
export async function loadTasks(
  session: StoreSession,
  tasks: NamedList,
  options: LoadOptions = {},
): Promise<LoadedTasks> {
  const { rescan = false, random = Math.random, indexedFrom = INDEXED_TASKS_MIN } = options
  const loading = new TaskLoading(session, tasks)
  loading.list()
  const isLarge = tasks.length >= indexedFrom
  // Of a small list the index only matters for a directory that was removed, and is about to be made again.
  const index = isLarge || loading.isSomeMissing() ? loading.readIndex() : undefined
  if (index !== undefined) await loading.forgetMissing(index)
  const trusted = isLarge && !rescan && index !== undefined && loading.isTrue(index, random)
  await loading.read(trusted ? index : undefined)
  if (isLarge && index !== undefined) await loading.keep(index, trusted)
  return loading
}

class TaskLoading implements LoadedTasks {
  readonly codes: Uint8Array
  readonly present: Uint8Array
  readonly faults: LoadedFault[] = []
  readonly #session: StoreSession
  readonly #names: NameIndex
  /** Tasks that have a directory, of which {@link TaskLoading.list} has found so many. */
  #found: Uint32Array

  constructor(session: StoreSession, tasks: NamedList) {
    this.#session = session
    this.#names = NameIndex.of(tasks.length, (index) => tasks.at(index)?.name ?? '')
    this.#found = new Uint32Array(tasks.length)
    this.codes = new Uint8Array(tasks.length).fill(STATE_CODE.OPEN)
    this.present = new Uint8Array(tasks.length)
  }

  /** Finds out which tasks have a directory. */
  list(): void {
    const { files, root } = this.#session
    let count = 0
    for (const { name, kind } of files.list(root)) {
      const taskIndex = this.#names.indexOf(name)
      if (taskIndex === undefined) continue
      this.present[taskIndex] = 1
      const fault = directoryFault(kind)
      if (fault === undefined) {
        this.#found[count] = taskIndex
        count += 1
      } else {
        this.codes[taskIndex] = STATE_CODE.INVALID
        this.#fault(taskIndex, `${taskDirectory(root, name)} is ${fault}. The task is left alone.`)
      }
    }
    this.#found = this.#found.subarray(0, count)
  }

  isSomeMissing(): boolean {
    return this.present.includes(0)
  }

  readIndex(): DoneIndex | undefined {
    const { files, root } = this.#session
    return tryReadDoneIndex(files, root, this.#names)
  }

  /**
   * Makes the index forget tasks that have no directory any more, before anybody makes one again: from then on its
   * being there would count for the task's being DONE.
   */
  async forgetMissing(index: DoneIndex): Promise<void> {
    const { records, sync } = this.#session
    const missing: { task: string; slot: number }[] = []
    for (const [taskIndex, isPresent] of this.present.entries()) {
      if (isPresent === 1 || !index.isDone(taskIndex)) continue
      const task = this.#nameOf(taskIndex)
      const slot = index.slotOf(taskIndex)
      missing.push({ task, slot })
      index.add({ kind: 'R', slot, task })
    }
    if (missing.length > 0) await records.forgetting(missing, { sync })
  }

  /** Reads a few of the tasks that the index calls DONE; if one is not, says so. */
  isTrue(index: DoneIndex, random: () => number): boolean {
    const { files, root } = this.#session
    const done = this.#found.filter((taskIndex) => index.isDone(taskIndex))
    const count = Math.min(SAMPLE_COUNT_MAX, Math.ceil(done.length * SAMPLE_PART))
    for (const taskIndex of sample(done, count, random)) {
      const directory = taskDirectory(root, this.#nameOf(taskIndex))
      if (isPlainlyDone(readState(files, directory))) continue
      this.#fault(
        taskIndex,
        `The index of ${root} calls task ${JSON.stringify(this.#nameOf(taskIndex))} DONE, but ${statePath(directory)} does not. The states of all ${this.#found.length} tasks are read instead, and the index is put right.`,
      )
      return false
    }
    return true
  }

  /** Reads the tasks, but for those that this index calls DONE. */
  async read(index: DoneIndex | undefined): Promise<void> {
    const { files, root, owners } = this.#session
    const judge = owners.judgeOnce()
    for (const taskIndex of this.#found) {
      const directory = taskDirectory(root, this.#nameOf(taskIndex))
      if (index?.isDone(taskIndex) || isPlainlyDone(readState(files, directory))) {
        this.codes[taskIndex] = STATE_CODE.DONE
        continue
      }
      const { code, fault } = await this.#readTask(directory, judge)
      this.codes[taskIndex] = code
      if (fault !== undefined) this.#fault(taskIndex, fault)
    }
  }

  /** Writes a snapshot if the index has grown enough, or was found to be wrong. */
  async keep(index: DoneIndex, trusted: boolean): Promise<void> {
    const { files, root } = this.#session
    let isWrong = false
    if (!trusted) {
      for (const taskIndex of this.#found) {
        if (!index.isDone(taskIndex) || this.codes[taskIndex] === STATE_CODE.DONE) continue
        index.drop(taskIndex)
        isWrong = true
      }
    }
    if (!isWrong && !isSnapshotDue(index.counts)) return
    const staged = this.#session.stage()
    await tryPublishSnapshot(files, root, { content: () => index.content(), staged })
  }

  async #readTask(
    directory: string,
    judge: (instance: string) => Promise<Verdict>,
  ): Promise<{ readonly code: number; readonly fault?: string }> {
    const { view, state, slot } = readTask(this.#session.files, directory, 0)
    const path = statePath(directory)
    switch (view.kind) {
      case 'open':
        if (state.kind !== 'empty' || slot > 0) return { code: STATE_CODE.OPEN }
        return {
          code: STATE_CODE.OPEN,
          fault: `${path} is empty or cut short, as a power cut can leave it; the task counts as OPEN.`,
        }
      case 'settled':
        if (!view.overwritten) return { code: STATE_CODE[view.state] }
        return {
          code: STATE_CODE[view.state],
          fault: `${path} says OPEN, written over the result ${view.state}, which stands. To run the task again, use "mpibatch rerun".`,
        }
      case 'foreign':
        return { code: STATE_CODE.ELSEWHERE }
      case 'unknown':
        return {
          code: STATE_CODE.ELSEWHERE,
          fault: `The event ${path}.ev.${view.slot} can't be read, so nobody knows who runs the task. It is left alone; if it does not run any more, take it with --steal-running.`,
        }
      case 'invalid':
        return { code: STATE_CODE.INVALID, fault: invalidFault(path, view.reason) }
      case 'claimed':
      case 'ending': {
        // What a dead owner left is free; claiming it takes it over, or completes its result.
        const { dead, fault } = await judge(view.owner)
        const code = dead ? STATE_CODE.OPEN : STATE_CODE.ELSEWHERE
        return fault === undefined ? { code } : { code, fault }
      }
    }
  }

  #fault(taskIndex: number, message: string): void {
    this.faults.push({ taskIndex, message })
  }

  #nameOf(taskIndex: number): string {
    return this.#names.nameOf(taskIndex)
  }
}

/** So many different ones of these numbers, by chance. */
function sample(numbers: Uint32Array, count: number, random: () => number): ReadonlySet<number> {
  const chosen = new Set<number>()
  while (chosen.size < count) {
    const number = numbers[Math.floor(random() * numbers.length)]
    if (number !== undefined) chosen.add(number)
  }
  return chosen
}
