/**
 * Looks at a task root without taking part: no instance is registered, nothing is written, ended or buried. Works on a
 * root that only pshmem has used.
 */
import { resolve } from 'node:path'
import type { AttemptReason, TaskState, TaskValue } from '@mpibatch/batch-core'
import { type AttemptRow, readAttemptTable } from './attempt-table.ts'
import { withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { listHistoryInstances } from './history.ts'
import { batchOf, type InstanceFiles, type InstanceInfo, listInstances, readInstance } from './instance.ts'
import { codeOf } from './io-error.ts'
import { type DirectoryFault, type KnownTask, KnownTasks } from './known-tasks.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { isDeadBySight, looksAlive, type OwnerSight, sightOf } from './owner-sight.ts'
import { ownIdentity } from './process-identity.ts'
import type { EndRecord } from './record-columns.ts'
import { checkReadableRoot } from './root-check.ts'
import { ownDirectory, taskDirectory } from './store-paths.ts'
import { isPlainlyDone, readState, readTask, type TaskReading } from './task-chain.ts'
import { TaskRecordFollower } from './task-records.ts'

/** The instance that runs a task. */
export interface TaskOwner {
  readonly instance: string
  /** Empty if nothing is known of the instance. */
  readonly host: string
  /** 0 if nothing is known of the instance. */
  readonly pid: number
  /** `false` if it is known to be dead; on another machine it counts as alive. */
  readonly alive: boolean
  /** What a look tells of it. */
  readonly sight: OwnerSight
}

/** What a root says of one of its tasks. */
export interface TaskReport {
  /** Position in {@link RootView.tasks}, from 0. */
  readonly index: number
  readonly name: string
  readonly values?: Readonly<Record<string, TaskValue>>
  /** What the task runs, on one line, if the manifest says it. */
  readonly summary?: string
  /** The state; a result that a dead owner left unfinished counts already. */
  readonly state: TaskState
  /** Highest event slot of the task, 0 if it has no events; not looked up for a task that is DONE. */
  readonly slot: number
  /** How often the task has been claimed. */
  readonly attempts: number
  /** Who runs it, if an instance does. */
  readonly owner?: TaskOwner
  /** Wall-clock start of the running attempt, or of the last one, milliseconds since 1970. */
  readonly startedAtMs?: number
  /** How the last ended attempt ended, and what is recorded of it. */
  readonly reason?: AttemptReason
  readonly exitCode?: number
  readonly signal?: string
  readonly message?: string
  readonly durationMs?: number
  readonly host?: string
  /** Wall-clock end of the last attempt, milliseconds since 1970. */
  readonly endedAtMs?: number
  /** What stands in the place of its directory: the task is INVALID, and nothing is read through it. */
  readonly directoryFault?: DirectoryFault
}

/** What the manifest says of a task. */
export type TaskFacts = Pick<TaskReport, 'index' | 'name' | 'values' | 'summary'>

/** What a root says of an instance. */
export interface InstanceReport {
  readonly instance: string
  /** The instance that opened its batch: the same for all processes of a job; its own name if it works alone. */
  readonly batch: string
  readonly host: string
  readonly pid: number
  /** See {@link TaskOwner.alive}. */
  readonly alive: boolean
  readonly startedAtMs: number
  readonly command?: string
}

type ReportDraft = { -readonly [Key in keyof TaskReport]: TaskReport[Key] }

/** A root with the tasks that {@link openRootView} found. What it says of them is read when it is asked for. */
export interface RootView {
  /**
   * Goes through all tasks: the manifest's in their order, then those of other programs by name.
   *
   * @param indices - Only the tasks at these positions; one that there is none at is passed over.
   */
  tasks(indices?: Iterable<number>): Generator<TaskReport>
  /** The same tasks, by what the manifest alone says of them: nothing is read for it. */
  knownTasks(): Generator<TaskFacts>
  /** One task, by what the manifest alone says of it; `undefined` if the root has none of that name. */
  knownTask(name: string): TaskFacts | undefined
  /** One task, or `undefined` if the root has none of that name. */
  task(name: string): TaskReport | undefined
  /** Positions of the tasks of which an attempt's start or end was recorded since the last call, or was before the first. */
  recorded(): ReadonlySet<number>
  /**
   * Looks for tasks that have come or gone since the view was opened, or since the last call.
   *
   * @returns Whether there are such; all positions may then have changed.
   * @throws As {@link openRootView}.
   */
  refresh(): boolean
  /** Number of tasks by state. */
  counts(): Readonly<Record<TaskState, number>>
  /** All attempts on record: those that ended in the order of their records, then those without an end. */
  attempts(): Generator<AttemptRow>
  /** All instances that have ever registered, the oldest first. */
  instances(): readonly InstanceReport[]
  /** Directory of a task. */
  taskDirectory(name: string): string
}

/**
 * Looks at a task root.
 *
 * @throws {@link StoreUnusableError} if there is no such root, or it can't be read.
 * @throws {@link StateCorruptError} if the manifest can't be understood.
 */
export function openRootView(root: string, files: FileLayer = nodeFileLayer): RootView {
  const place = resolve(root)
  checkReadableRoot(files, place)
  return new FsRootView(files, place)
}

class FsRootView implements RootView {
  readonly #files: FileLayer
  readonly #root: string
  #known: KnownTasks
  readonly #self = ownIdentity()
  readonly #local: boolean
  readonly #records: TaskRecordFollower
  /** What the places looked like that name the tasks, when they were read. */
  #places: string

  constructor(files: FileLayer, root: string) {
    this.#files = files
    this.#root = root
    this.#local = fileSystemClass(files.fileSystemType(root), files.mountOf(root)).local
    this.#places = this.#lookAtPlaces()
    this.#known = new KnownTasks(root, files)
    this.#records = new TaskRecordFollower(files, root)
  }

  *tasks(indices: Iterable<number> = positions(this.#known.length)): Generator<TaskReport> {
    const owners = new Map<string, TaskOwner>()
    this.#records.read()
    for (const index of indices) {
      const task = this.#known.at(index)
      if (task !== undefined) yield this.#report(index, task, owners)
    }
  }

  recorded(): ReadonlySet<number> {
    this.#records.read()
    const indices = new Set<number>()
    for (const name of this.#records.takeRecorded()) {
      const index = this.#known.indexOf(name)
      if (index !== undefined) indices.add(index)
    }
    return indices
  }

  refresh(): boolean {
    checkReadableRoot(this.#files, this.#root)
    const places = this.#lookAtPlaces()
    if (places === this.#places) return false
    const before = this.#known
    this.#known = new KnownTasks(this.#root, this.#files)
    this.#places = places
    return !hasSameNames(this.#known, before)
  }

  knownTask(name: string): TaskFacts | undefined {
    const index = this.#known.indexOf(name)
    const task = index === undefined ? undefined : this.#known.at(index)
    return index === undefined || task === undefined ? undefined : factsOf(index, task)
  }

  *knownTasks(): Generator<TaskFacts> {
    let index = 0
    for (const task of this.#known) {
      yield factsOf(index, task)
      index += 1
    }
  }

  task(name: string): TaskReport | undefined {
    const index = this.#known.indexOf(name)
    const task = index === undefined ? undefined : this.#known.at(index)
    if (index === undefined || task === undefined) return undefined
    this.#records.read()
    return this.#report(index, task, new Map())
  }

  counts(): Readonly<Record<TaskState, number>> {
    const counts = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0 }
    const owners = new Map<string, TaskOwner>()
    for (const index of positions(this.#known.length)) {
      const directory = this.taskDirectory(this.#known.nameOf(index))
      if (this.#known.faultOf(index) !== undefined) counts.INVALID += 1
      else if (this.#isUntouched(index, directory)) counts.OPEN += 1
      else if (isPlainlyDone(readState(this.#files, directory))) counts.DONE += 1
      else counts[this.#stateOf(readTask(this.#files, directory, 0), owners)] += 1
    }
    return counts
  }

  instances(): readonly InstanceReport[] {
    const reports = listInstances(this.#files, this.#root).flatMap((instance) => {
      const found = readInstance(this.#files, this.#root, instance)
      return found.info === undefined || found.life === undefined ? [] : [this.#toInstance(found, found.info)]
    })
    const present = new Set(reports.map(({ instance }) => instance))
    for (const { instance, info } of listHistoryInstances(this.#files, this.#root)) {
      if (info !== undefined && !present.has(instance)) reports.push(toReport(info, false))
    }
    return reports.sort((one, other) => one.startedAtMs - other.startedAtMs)
  }

  attempts(): Generator<AttemptRow> {
    return readAttemptTable(this.#files, this.#root)
  }

  taskDirectory(name: string): string {
    return taskDirectory(this.#root, name)
  }

  #toInstance(found: InstanceFiles, info: InstanceInfo): InstanceReport {
    return toReport(info, looksAlive(found, this.#self, this.#local))
  }

  #report(index: number, known: KnownTask, owners: Map<string, TaskOwner>): TaskReport {
    const { name, directoryFault } = known
    const directory = this.taskDirectory(name)
    const report: ReportDraft = { index, name, state: 'OPEN', slot: 0, attempts: 0 }
    if (known.values !== undefined) report.values = known.values
    if (known.summary !== undefined) report.summary = known.summary
    if (directoryFault !== undefined) {
      const message = `${directory} is ${directoryFault}`
      return { ...report, state: 'INVALID', message, directoryFault }
    }
    if (this.#isUntouched(index, directory)) return report
    const { ended, started } = this.#records.get(name) ?? {}
    if (ended !== undefined) addRecord(report, ended)
    if (isPlainlyDone(readState(this.#files, directory))) {
      report.state = 'DONE'
      // The chain is long only where something went wrong, so the record of the end tells as well how many there were.
      report.slot = ended === undefined ? 0 : ended.slot + 1
      report.attempts = ended?.attempt ?? 0
      return report
    }
    const reading = readTask(this.#files, directory, 0)
    const { slot, view, claimCount } = reading
    report.state = this.#stateOf(reading, owners)
    report.slot = slot
    report.attempts = claimCount
    if (report.state !== 'RUNNING' || (view.kind !== 'claimed' && view.kind !== 'ending')) return report
    report.owner = this.#owner(view.owner, owners)
    if (started?.slot === view.slot) report.startedAtMs = started.atMs
    return report
  }

  /** Most tasks that nobody has begun have no directory, and two exceptions would cost ten times as much. */
  #isUntouched(index: number, directory: string): boolean {
    return !this.#known.hadDirectory(index) && this.#files.peek(directory) === undefined
  }

  #stateOf({ view }: TaskReading, owners: Map<string, TaskOwner>): TaskState {
    switch (view.kind) {
      case 'open':
        return 'OPEN'
      case 'settled':
        return view.state
      case 'invalid':
        return 'INVALID'
      case 'claimed':
      case 'foreign':
      case 'unknown':
        return 'RUNNING'
      case 'ending':
        // The next run only has to finish writing what stands already.
        return this.#owner(view.owner, owners).alive ? 'RUNNING' : view.state
    }
  }

  #owner(instance: string, owners: Map<string, TaskOwner>): TaskOwner {
    const known = owners.get(instance)
    if (known !== undefined) return known
    const found = readInstance(this.#files, this.#root, instance)
    const { host = '', pid = 0 } = found.info ?? {}
    const sight = sightOf(found, this.#self, this.#local)
    const owner = { instance, host, pid, sight, alive: !isDeadBySight(sight) }
    owners.set(instance, owner)
    return owner
  }

  /** Changes whenever the names in the root, or the segments of the manifest, have changed. */
  #lookAtPlaces(): string {
    return [`${this.#root}/.`, ownDirectory(this.#root)]
      .map((path) => {
        try {
          return withFile(this.#files, path, (descriptor) => this.#files.stampOf(descriptor))
        } catch (error) {
          return codeOf(error)
        }
      })
      .join()
  }
}

function* positions(count: number): Generator<number> {
  for (let position = 0; position < count; position += 1) yield position
}

function hasSameNames(one: KnownTasks, other: KnownTasks): boolean {
  if (one.length !== other.length) return false
  for (const position of positions(one.length))
    if (one.nameOf(position) !== other.nameOf(position)) return false
  return true
}

function factsOf(index: number, { name, values, summary }: KnownTask): TaskFacts {
  return {
    ...{ index, name },
    ...(values === undefined ? {} : { values }),
    ...(summary === undefined ? {} : { summary }),
  }
}

function toReport(info: InstanceInfo, alive: boolean): InstanceReport {
  const { instance, host, pid, startedAtMs, command } = info
  const batch = batchOf(info)
  return { instance, batch, host, pid, alive, startedAtMs, ...(command === undefined ? {} : { command }) }
}

/** Adds what is recorded of a task's last end. Field by field: this is done for every task, and copies of copies take longer. */
function addRecord(report: ReportDraft, ended: EndRecord): void {
  const { exitCode, signal, message } = ended
  report.reason = ended.reason
  report.durationMs = ended.durationMs
  report.host = ended.host
  report.startedAtMs = ended.startedAtMs
  report.endedAtMs = ended.atMs
  if (exitCode !== undefined) report.exitCode = exitCode
  if (signal !== undefined) report.signal = signal
  if (message !== undefined) report.message = message
}
