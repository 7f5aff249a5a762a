/**
 * Looks at a task root without taking part: no instance is registered, nothing is written, ended or buried. Works on a
 * root that only pshmem has used.
 */
import { resolve } from 'node:path'
import type { AttemptReason, TaskState, TaskValue } from '@mpibatch/batch-core'
import type { EndLine } from './attempt-log.ts'
import { type AttemptRow, readAttemptTable } from './attempt-table.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { listHistoryInstances } from './history.ts'
import { batchOf, type InstanceFiles, type InstanceInfo, listInstances, readInstance } from './instance.ts'
import { type DirectoryFault, type KnownTask, readKnownTasks } from './known-tasks.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { isDeadBySight, looksAlive, type OwnerSight, sightOf } from './owner-sight.ts'
import { ownIdentity } from './process-identity.ts'
import { checkReadableRoot } from './root-check.ts'
import { LivingInstances, lookAtRoot } from './root-looks.ts'
import { taskDirectory } from './store-paths.ts'
import { isPlainlyDone, readState, readTask, type TaskReading } from './task-chain.ts'
import { readTaskRecords, type TaskRecords } from './task-records.ts'

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

/** A root with the tasks that {@link openRootView} found. What it says of them is read when it is asked for. */
export interface RootView {
  /** Goes through all tasks: the manifest's in their order, then those of other programs by name. */
  tasks(): Generator<TaskReport>
  /** The same tasks, by what the manifest alone says of them: nothing is read for it. */
  knownTasks(): Generator<Pick<TaskReport, 'index' | 'name' | 'values' | 'summary'>>
  /** One task, or `undefined` if the root has none of that name. */
  task(name: string): TaskReport | undefined
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
  readonly #known: readonly KnownTask[]
  readonly #self = ownIdentity()
  readonly #local: boolean
  #indexOf: ReadonlyMap<string, number> | undefined
  readonly #living: LivingInstances
  #records: ReadonlyMap<string, TaskRecords> = new Map()
  /** What the logs looked like when they were read. */
  #recordsOf: string | undefined

  constructor(files: FileLayer, root: string) {
    this.#files = files
    this.#root = root
    this.#local = fileSystemClass(files.fileSystemType(root), files.mountOf(root)).local
    this.#known = readKnownTasks(root, files)
    this.#living = new LivingInstances({ files, root, instance: undefined })
  }

  *tasks(): Generator<TaskReport> {
    const owners = new Map<string, TaskOwner>()
    this.#refreshRecords()
    for (const [index, task] of this.#known.entries()) yield this.#report(index, task, owners)
  }

  *knownTasks(): Generator<Pick<TaskReport, 'index' | 'name' | 'values' | 'summary'>> {
    for (const [index, task] of this.#known.entries()) yield factsOf(index, task)
  }

  task(name: string): TaskReport | undefined {
    this.#indexOf ??= new Map(this.#known.map((task, index) => [task.name, index]))
    const index = this.#indexOf.get(name)
    const task = index === undefined ? undefined : this.#known[index]
    if (index === undefined || task === undefined) return undefined
    this.#refreshRecords()
    return this.#report(index, task, new Map())
  }

  counts(): Readonly<Record<TaskState, number>> {
    const counts = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0 }
    const owners = new Map<string, TaskOwner>()
    for (const { name, directoryFault } of this.#known) {
      const directory = this.taskDirectory(name)
      if (directoryFault !== undefined) counts.INVALID += 1
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
    const base = factsOf(index, known)
    if (directoryFault !== undefined) {
      const message = `${directory} is ${directoryFault}`
      return { ...base, state: 'INVALID', slot: 0, attempts: 0, message, directoryFault }
    }
    const { ended, started } = this.#records.get(name) ?? {}
    if (isPlainlyDone(readState(this.#files, directory))) {
      // The chain is long only where something went wrong, so the record of the end tells as well how many there were.
      const slot = ended === undefined ? 0 : ended.slot + 1
      return { ...base, state: 'DONE', slot, attempts: ended?.attempt ?? 0, ...recordFields(ended) }
    }
    const reading = readTask(this.#files, directory, 0)
    const { slot, view, claimCount: attempts } = reading
    const state = this.#stateOf(reading, owners)
    const running = state === 'RUNNING' && (view.kind === 'claimed' || view.kind === 'ending')
    return {
      ...{ ...base, state, slot, attempts, ...recordFields(ended) },
      ...(running ? { owner: this.#owner(view.owner, owners) } : {}),
      ...(running && started?.slot === view.slot ? { startedAtMs: started.atMs } : {}),
    }
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

  #refreshRecords(): void {
    const { text } = lookAtRoot(
      { files: this.#files, root: this.#root, instance: undefined },
      this.#living,
      [],
    )
    if (text === this.#recordsOf) return
    this.#records = readTaskRecords(this.#files, this.#root)
    this.#recordsOf = text
  }
}

function factsOf(
  index: number,
  { name, values, summary }: KnownTask,
): Pick<TaskReport, 'index' | 'name' | 'values' | 'summary'> {
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

function recordFields(ended: EndLine | undefined): Partial<TaskReport> {
  if (ended === undefined) return {}
  const { reason, exitCode, signal, message, durationMs, host, startedAtMs, atMs } = ended
  return {
    ...{ reason, durationMs, host, startedAtMs, endedAtMs: atMs },
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(message === undefined ? {} : { message }),
  }
}
