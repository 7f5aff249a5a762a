/** Opens stores on a file system: registers the instance, buries dead ones, brings the manifest up to date. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  ConfigError,
  DEFAULT_CRASH_LIMIT,
  type LivenessOptions,
  type NamedList,
  type PlannedTask,
  type PlannedTasks,
  type StateStore,
  type StateStoreProvider,
  type StoreTicket,
  StoreUnusableError,
  TasksChangedError,
} from '@mpibatch/batch-core'
import type { OnAppendStep, StoreDurability } from './append.ts'
import { refreshPath } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { FsStateStore } from './fs-state-store.ts'
import { type StartHeartbeat, startHeartbeatThread } from './heartbeat-runner.ts'
import { batchOf, listInstances } from './instance.ts'
import type { JobStates } from './job-states.ts'
import { findKnownPlan, noteKnownPlan } from './known-plan.ts'
import { addSegment, countSegments, readManifest } from './manifest.ts'
import { compareTasks, type TaskChange, type TaskComparison, tasksChanged } from './manifest-comparison.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { type RegisterOptions, registerSession } from './register-session.ts'
import { checkRootPlace } from './root-check.ts'
import { createSlurmJobs } from './slurm-jobs.ts'
import { instanceDirectory, taskDirectory } from './store-paths.ts'
import { type FsStoreTicket, StoreSession } from './store-session.ts'
import { readTask } from './task-chain.ts'
import { reopenTask } from './task-reopening.ts'

/** Options of {@link createFsStateProvider}. */
export interface FsStateProviderOptions {
  /** The task root; made if it is missing. */
  readonly root: string
  /** What is synced to disk. @defaultValue `terminal` */
  readonly durability?: StoreDurability
  /** Run known tasks again that would now run something different. @defaultValue false */
  readonly acceptChanges?: boolean
  /** A task whose owners died so many times in a row becomes FAILED. @defaultValue 5 */
  readonly crashLimit?: number
  /** Read the state of every task at the start, whatever the index says. @defaultValue false */
  readonly rescan?: boolean
  /** What this instance runs, for people who look at the root. */
  readonly command?: string
  /** Times of liveness that were chosen; the rest follows the file system of the root. */
  readonly liveness?: LivenessOptions
  /** Starts the heartbeat of an instance. @defaultValue {@link startHeartbeatThread} */
  readonly startHeartbeat?: StartHeartbeat
  /** Asks job schedulers about the jobs of other instances. @defaultValue this machine's Slurm, if it has one */
  readonly jobs?: JobStates
  /** File system to use. @defaultValue that of `node:fs` */
  readonly files?: FileLayer
  /** Hears of each step of each append; tests stop the process there. */
  readonly onStep?: OnAppendStep
}

/** Makes a provider of stores in a task root. Nothing is touched before {@link StateStoreProvider.open}. */
export function createFsStateProvider(options: FsStateProviderOptions): StateStoreProvider {
  const root = resolve(options.root)
  const { files = nodeFileLayer, jobs = createSlurmJobs() } = options
  const { command, onStep, liveness, startHeartbeat = startHeartbeatThread } = options
  const common = { files, command, liveness, onStep, startHeartbeat, jobs }
  return {
    open: (tasks: PlannedTasks): Promise<StateStore> => {
      const { durability = 'terminal', crashLimit = DEFAULT_CRASH_LIMIT } = options
      const { acceptChanges = false, rescan = false } = options
      return openStore({ ...common, root, durability, crashLimit, acceptChanges, rescan }, tasks)
    },
    attach: (ticket: StoreTicket, tasks: NamedList, rank: number): Promise<StateStore> => {
      const session = new StoreSession({ ticket: checkTicket(ticket), proc: rank, files, onStep, jobs })
      return Promise.resolve(new FsStateStore(session, tasks))
    },
    join: async (ticket: StoreTicket, tasks: NamedList): Promise<StateStore> => {
      const opened = checkTicket(ticket)
      const { root, durability, crashLimit } = opened
      await checkSameRoot(files, opened)
      const batch = batchOf(opened)
      const session = await registerSession({ ...common, root, durability, crashLimit, batch })
      return new FsStateStore(session, tasks)
    },
  }
}

interface OpenOptions extends RegisterOptions {
  readonly acceptChanges: boolean
  readonly rescan: boolean
}

async function openStore(options: OpenOptions, tasks: PlannedTasks): Promise<FsStateStore> {
  const { root, files, acceptChanges, rescan } = options
  // Before anything is made: a list that is refused must change nothing.
  const compared = checkRootPlace(files, root) ? compareManifest(files, root, tasks) : undefined
  const { changed = [] } = compared ?? {}
  if (changed.length > 0 && !acceptChanges) throw tasksChanged(root, changed)
  const session = await registerSession(options)
  try {
    await updateManifest(session, tasks, { acceptChanges, compared })
    return new FsStateStore(session, tasks, { rescan })
  } catch (error) {
    await session.close().catch(() => undefined)
    throw error
  }
}

/** What a manifest of so many segments knows of a list. */
interface ComparedManifest extends TaskComparison {
  readonly segmentCount: number
  /** Whether a start before has found that out, and noted it. */
  readonly isNoted: boolean
}

function compareManifest(files: FileLayer, root: string, tasks: PlannedTasks): ComparedManifest {
  const known = findKnownPlan(files, root, tasks)
  if (known !== undefined)
    return { ...known, added: new Uint32Array(), changed: [], unchangedCount: tasks.length, isNoted: true }
  // Counted first: of a segment that comes now, it does not matter whether it is read.
  const segmentCount = countSegments(files, root)
  return { segmentCount, isNoted: false, ...compareTasks(tasks, readManifest(files, root)) }
}

/**
 * Adds what the manifest does not know; another instance may do the same at this moment.
 *
 * @param options.compared - What a comparison before has found: segments never change, so it holds until there is one more.
 */
async function updateManifest(
  session: StoreSession,
  tasks: PlannedTasks,
  options: { readonly acceptChanges: boolean; readonly compared: ComparedManifest | undefined },
): Promise<void> {
  const { files, root, instance, sync } = session
  const { acceptChanges } = options
  let { compared } = options
  for (;;) {
    if (compared?.segmentCount !== countSegments(files, root)) compared = undefined
    compared ??= compareManifest(files, root, tasks)
    const { added, changed, segmentCount, isNoted } = compared
    const segment = segmentCount + 1
    if (changed.length > 0 && !acceptChanges) throw tasksChanged(root, changed)
    const note = (count: number): Promise<void> =>
      noteKnownPlan(files, root, { tasks, segmentCount: count, staged: session.stage() })
    if (added.length + changed.length === 0) {
      if (!isNoted) await note(segmentCount)
      return
    }
    // First the states, then the manifest: if we die in between, the change is found again, and nothing is skipped.
    await reopenChanged(session, changed)
    const news = (): Iterable<PlannedTask> => newsOf(tasks, { added, changed })
    if (await addSegment(files, root, { segment, tasks: news, instance, staged: session.stage(), sync })) {
      await note(segment)
      return
    }
  }
}

/** What a new segment says: changed tasks, then those that are new. */
function* newsOf(
  tasks: PlannedTasks,
  { added, changed }: Pick<TaskComparison, 'added' | 'changed'>,
): Generator<PlannedTask> {
  for (const { after } of changed) yield after
  for (const index of added) {
    const task = tasks.at(index)
    if (task !== undefined) yield task
  }
}

/** Opens the changed tasks that have ended. One that runs at this moment would end the old way and count as the new. */
async function reopenChanged(session: StoreSession, changed: readonly TaskChange[]): Promise<void> {
  const { files, root, owners } = session
  const running: string[] = []
  for (const { name } of changed) {
    const { view } = readTask(files, taskDirectory(root, name), 0)
    const owned = view.kind === 'claimed' || view.kind === 'ending'
    if (view.kind === 'foreign' || (owned && !(await owners.judge(view.owner)).dead)) running.push(name)
  }
  if (running.length > 0) {
    const [first = ''] = running
    const others = running.length > 1 ? ` and ${running.length - 1} more` : ''
    throw new TasksChangedError(
      `Task ${JSON.stringify(first)}${others} of ${root} would now run something different, but runs at this moment. Wait until it has ended, or stop it, and run again.`,
      { details: { root, running } },
    )
  }
  for (const { name } of changed) await reopenTask(session, name, { from: 'any' })
}

/** Longest wait for what another machine has just made to be seen here, beyond what is known of the file system. */
const SEEN_MS_MAX = 2000
const LOOK_MS = 50

/**
 * Makes sure that this process finds the instance of rank 0 where rank 0 has made it.
 *
 * @throws {@link StoreUnusableError} if it is another directory of the same name.
 */
async function checkSameRoot(files: FileLayer, { root, instance, timings }: FsStoreTicket): Promise<void> {
  const endMs = performance.now() + SEEN_MS_MAX + timings.visibilityMs
  for (;;) {
    // A script may have looked for the root before rank 0 made it, and names are remembered as missing.
    refreshPath(files, instanceDirectory(root, instance))
    if (listInstances(files, root).includes(instance)) return
    if (performance.now() > endMs) {
      throw new StoreUnusableError(
        `The task root ${root} on ${hostname()} is not the one that rank 0 of this job works on: what that has written there can't be seen here. Choose a --root on a file system that all nodes of the job share.`,
        { details: { root, instance } },
      )
    }
    await pause(LOOK_MS)
  }
}

/** A ticket may have come through a message. */
function checkTicket(ticket: StoreTicket): FsStoreTicket {
  const { root, instance } = (ticket ?? {}) as Partial<FsStoreTicket>
  if (typeof root === 'string' && typeof instance === 'string') return ticket as FsStoreTicket
  throw new ConfigError('The ticket to join a store does not come from a store on a file system.')
}
