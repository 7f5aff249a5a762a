/**
 * All that a root knows of one task, for people who ask why it is in its state: what `mpibatch explain` prints. Looks
 * only, and works on a root that only pshmem has used. `docs/explain.md` describes the data.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  DEFAULT_CRASH_LIMIT,
  type LivenessOptions,
  type TaskState,
  type TaskValue,
} from '@mpibatch/batch-core'
import { linesOn } from './attempt-log.ts'
import type { EventKind } from './event.ts'
import { readSmallText } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { type RecordedAttempt, readAllAttempts } from './history.ts'
import { type InstanceFiles, readInstance } from './instance.ts'
import type { JobState } from './job-states.ts'
import { KnownTasks } from './known-tasks.ts'
import { defaultTimings, type LivenessTimings, resolveTimings } from './liveness-timings.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { isDeadBySight, type OwnerSight, sightOf } from './owner-sight.ts'
import { deadAfterJobMs, deadAfterMsBeside } from './owners.ts'
import { ownIdentity } from './process-identity.ts'
import { createSlurmJobs, type SlurmJobs } from './slurm-jobs.ts'
import { STATE_SIZE_MAX } from './state-file.ts'
import { heartbeatPath, instanceDirectory, statePath, taskDirectory } from './store-paths.ts'
import { type HistoryAttempt, putAttemptsTogether } from './task-attempts.ts'
import { readTask, type TaskReading } from './task-chain.ts'
import { deathsInARow } from './task-claim.ts'
import { findOddities, type Oddity } from './task-oddities.ts'
import { foresee, type TaskOutlook } from './task-outlook.ts'

/** An event of a task. */
export interface HistoryEvent {
  /** From 1. */
  readonly slot: number
  /** `undefined` if the event can't be read. */
  readonly kind?: EventKind
  readonly instance?: string
  /** Rank within the instance. */
  readonly rank?: number
  /** Empty if nothing is known of the instance. */
  readonly host?: string
  readonly pid?: number
  /** Wall-clock time, milliseconds since 1970, where a log tells it. */
  readonly atMs?: number
}

/** The job that an owner belongs to. */
export interface HistoryJob {
  readonly jobId: string
  readonly cluster?: string
  readonly restartCount?: number
  readonly verdict: JobState
  /** The scheduler's own word for the job's state. */
  readonly word?: string
}

/** The instance that has a task. */
export interface HistoryOwner {
  readonly instance: string
  readonly sight: OwnerSight
  readonly host?: string
  readonly pid?: number
  /** Wall-clock time, milliseconds since 1970. */
  readonly startedAtMs?: number
  readonly command?: string
  readonly job?: HistoryJob
  /** How long ago its heartbeat was written, milliseconds, if its clock and this machine's agree. */
  readonly heartbeatAgeMs?: number
}

/** See the top of this file. */
export interface TaskHistory {
  readonly name: string
  /** Position in the list of the root's tasks, from 0. */
  readonly index: number
  readonly values?: Readonly<Record<string, TaskValue>>
  /** What it runs, for people. */
  readonly summary?: string
  readonly directory: string
  readonly state: TaskState
  /** The beginning of the `state` file; `undefined` if there is none, or it is no plain file. */
  readonly stateText?: string
  readonly events: readonly HistoryEvent[]
  readonly attempts: readonly HistoryAttempt[]
  /** Who has it, where a claim or an unfinished result names somebody. */
  readonly owner?: HistoryOwner
  /** What is not as it should be, or explains the state. */
  readonly oddities: readonly Oddity[]
  readonly outlook: TaskOutlook
}

/** Options of {@link explainTask}. */
export interface ExplainOptions {
  /** Times of liveness that were chosen; the rest follows the file system. */
  readonly liveness?: LivenessOptions
  /** @defaultValue 5 */
  readonly crashLimit?: number
  /** @defaultValue this machine's Slurm */
  readonly jobs?: Pick<SlurmJobs, 'describe'>
  readonly files?: FileLayer
}

/**
 * Puts together what a root knows of a task.
 *
 * @returns `undefined` if the root has no task of that name.
 * @throws {@link StoreUnusableError} if there is no such root, or it can't be read.
 */
export async function explainTask(
  root: string,
  name: string,
  options: ExplainOptions = {},
): Promise<TaskHistory | undefined> {
  const { files = nodeFileLayer, crashLimit = DEFAULT_CRASH_LIMIT } = options
  const place = resolve(root)
  const known = new KnownTasks(place, files)
  const index = known.indexOf(name)
  const task = index === undefined ? undefined : known.at(index)
  if (index === undefined || task === undefined) return undefined
  const directory = taskDirectory(place, name)
  const reading = hasOtherKind(files, directory) ? NOT_A_DIRECTORY : readTask(files, directory, 0)
  const records: RecordedAttempt[] = []
  for (const record of readAllAttempts(files, place, linesOn(name)))
    if (record.line.task === name) records.push(record)
  const attempts = putAttemptsTogether(reading.events, records)
  const instances = readMakers(files, place, reading)
  const looker = new OwnerLooker(files, place, options)
  const { view } = reading
  const ownerName = view.kind === 'claimed' || view.kind === 'ending' ? view.owner : undefined
  const owner = ownerName === undefined ? undefined : await looker.account(ownerName)
  const stateText = readStateText(files, directory)
  return {
    ...{ name, index, directory, attempts },
    ...(task.values === undefined ? {} : { values: task.values }),
    ...(task.summary === undefined ? {} : { summary: task.summary }),
    ...(stateText === undefined ? {} : { stateText }),
    state: stateOf(reading, owner),
    events: reading.events.map((event) => toHistoryEvent(event, attempts, instances)),
    ...(owner === undefined ? {} : { owner }),
    oddities: findOddities({
      files,
      directory,
      reading,
      attempts,
      ownerDead: owner !== undefined && isDeadBySight(owner.sight),
    }),
    outlook: foresee(view, {
      owner: owner === undefined ? undefined : looker.outlookOf(owner),
      deaths: deathsInARow(reading.events),
      crashLimit,
    }),
  }
}

/** A task whose name stands for something else than a directory: a run looks no further. */
const NOT_A_DIRECTORY: TaskReading = {
  view: { kind: 'invalid', reason: 'is not in a directory of its own' },
  state: { kind: 'absent' },
  events: [],
  slot: 0,
  claimCount: 0,
}

function hasOtherKind(files: FileLayer, directory: string): boolean {
  const kind = files.peek(directory)
  return kind !== undefined && kind !== 'directory'
}

/** Looks at owners, with what is the same for all of them. */
class OwnerLooker {
  readonly #files: FileLayer
  readonly #root: string
  readonly #jobs: Pick<SlurmJobs, 'describe'>
  readonly #timings: LivenessTimings
  readonly #local: boolean
  readonly #liveness = new Map<string, LivenessTimings | undefined>()

  constructor(files: FileLayer, root: string, options: ExplainOptions) {
    this.#files = files
    this.#root = root
    this.#jobs = options.jobs ?? createSlurmJobs()
    const mount = files.mountOf(root)
    const fileSystem = fileSystemClass(files.fileSystemType(root), mount)
    this.#local = fileSystem.local
    this.#timings = resolveTimings(defaultTimings(fileSystem, mount), options.liveness ?? {})
  }

  async account(instance: string): Promise<HistoryOwner> {
    const found = readInstance(this.#files, this.#root, instance)
    const sight = sightOf(found, ownIdentity(), this.#local)
    this.#liveness.set(instance, found.info?.liveness)
    const heartbeatAgeMs = ageOf(heartbeatPath(instanceDirectory(this.#root, instance)))
    const age = heartbeatAgeMs === undefined ? {} : { heartbeatAgeMs }
    if (found.info === undefined) return { instance, sight, ...age }
    const { host, pid, startedAtMs, command, job } = found.info
    return {
      ...{ instance, sight, host, pid, startedAtMs, ...age },
      ...(command === undefined ? {} : { command }),
      ...(job === undefined ? {} : { job: { ...job, ...(await this.#jobs.describe(job)) } }),
    }
  }

  outlookOf({ instance, sight, job }: HistoryOwner): Parameters<typeof foresee>[1]['owner'] {
    const liveness = this.#liveness.get(instance)
    return {
      sight,
      ...(job === undefined ? {} : { job: job.verdict }),
      deadAfterMs: deadAfterMsBeside(this.#timings, liveness),
      deadAfterJobMs: deadAfterJobMs(this.#timings, liveness),
    }
  }
}

/** The instances that a task's events name. */
function readMakers(
  files: FileLayer,
  root: string,
  { events }: TaskReading,
): ReadonlyMap<string, InstanceFiles> {
  const makers = new Map<string, InstanceFiles>()
  for (const { content } of events) {
    if (content !== undefined && !makers.has(content.instance))
      makers.set(content.instance, readInstance(files, root, content.instance))
  }
  return makers
}

function toHistoryEvent(
  { slot, content }: TaskReading['events'][number],
  attempts: readonly HistoryAttempt[],
  instances: ReadonlyMap<string, InstanceFiles>,
): HistoryEvent {
  if (content === undefined) return { slot }
  const { kind, instance, proc: rank } = content
  const { host, pid } = instances.get(instance)?.info ?? {}
  // An event has no time of its own: it is one of many names of a file. What an attempt recorded is near enough.
  const attempt = attempts.find((one) => one.slot === (kind === 'CLAIM' ? slot : slot - 1))
  const atMs =
    kind === 'CLAIM' ? attempt?.startedAtMs : attempt?.instance === instance ? attempt.endedAtMs : undefined
  return {
    ...{ slot, kind, instance, rank },
    ...(host === undefined || pid === undefined ? {} : { host, pid }),
    ...(atMs === undefined ? {} : { atMs }),
  }
}

function stateOf({ view }: TaskReading, owner: HistoryOwner | undefined): TaskState {
  switch (view.kind) {
    case 'open':
      return 'OPEN'
    case 'settled':
      return view.state
    case 'invalid':
      return 'INVALID'
    case 'ending':
      return owner !== undefined && isDeadBySight(owner.sight) ? view.state : 'RUNNING'
    default:
      return 'RUNNING'
  }
}

function readStateText(files: FileLayer, directory: string): string | undefined {
  try {
    return readSmallText(files, statePath(directory), STATE_SIZE_MAX)
  } catch {
    return undefined
  }
}

/** How long ago a file was changed; only for people, since clocks differ. */
function ageOf(path: string): number | undefined {
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return changed === undefined ? undefined : Date.now() - changed
}
