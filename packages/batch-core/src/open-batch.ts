import { Batch } from './batch.ts'
import type { BatchOptions, LivenessOptions, ResolvedBatchOptions } from './batch-options.ts'
import type { Communicator } from './communicator.ts'
import { ElsewhereWatch } from './elsewhere-watch.ts'
import { ConfigError, ConfigMismatchError } from './errors.ts'
import { GroupInterrupt } from './group-interrupt.ts'
import { invariant } from './invariant.ts'
import { createMemoryStateProvider } from './memory-state-store.ts'
import { openStore } from './open-store.ts'
import { type OpenedTable, openTable } from './open-table.ts'
import { findRuntime, type Runtime } from './runtime.ts'
import { ScriptTasks } from './script-tasks.ts'
import { createSoloCommunicator } from './solo-communicator.ts'
import type { PlannedTasks, StateStore, StateStoreProvider, StoreLease } from './state-store.ts'
import { StopRequest } from './stop-request.ts'
import { TaskClaimer } from './task-claimer.ts'
import { fingerprintOf } from './task-fingerprint.ts'
import { taskOrder } from './task-order.ts'
import type { TableContents, TaskTable } from './task-table.ts'
import { TimeLimit, usualLength } from './time-limit.ts'
import type { TokenLock } from './token-lock.ts'
import { createWorkerGroup, type WorkerGroup } from './worker-group.ts'

/** What a store needs to know of a batch's options. */
export interface StoreSettings {
  readonly root: string
  readonly durability: ResolvedBatchOptions['durability']
  readonly acceptChanges: boolean
  readonly crashLimit: number
  readonly liveness: LivenessOptions
}

/** Makes the provider of a batch's store; batch-core itself knows no file system. */
export type CreateStoreProvider = (settings: StoreSettings) => StateStoreProvider

/**
 * A batch whose tasks are planned already: options of {@link openPlannedBatch}. Equal on all ranks, but `stop`,
 * `interrupt` and `onFault`.
 */
export interface BatchPlan
  extends Pick<
    ResolvedBatchOptions,
    'groupSize' | 'retries' | 'retryDelayMs' | 'retryFailed' | 'rerun' | 'stealRunning' | 'order' | 'wait'
  > {
  readonly tasks: PlannedTasks
  readonly communicator: Communicator
  readonly provider: StateStoreProvider
  readonly stop: StopRequest
  /** As `timeLimitMs` of {@link BatchOptions}. */
  readonly timeLimitMs?: number | undefined
  /** As `rootRank` of {@link BatchOptions}. @defaultValue 0 */
  readonly rootRank?: number
  /** As `interrupt` of {@link BatchOptions}. */
  readonly interrupt?: AbortSignal | undefined
  /** Hears what a person should know, a sentence each: of files that can't be understood, of whom we wait for. */
  readonly onFault: (message: string) => void
}

/**
 * Opens a batch of a job script: finds the ranks, resolves the options, and opens the store. Collective over the
 * communicator.
 *
 * @throws {@link ConfigError}, {@link ConfigMismatchError}, {@link TasksChangedError}, {@link StoreUnusableError}.
 */
export async function openBatchWith(
  options: BatchOptions,
  createProvider: CreateStoreProvider,
): Promise<Batch> {
  const runtime = options.communicator === undefined ? findRuntime() : undefined
  const { resolveBatchOptions } = await import('./resolve-batch-options.ts')
  const resolved = resolveBatchOptions(options, runtime?.options)
  const given = options.communicator ?? runtime?.communicator
  const communicator = given ?? createSoloCommunicator()
  const tasks = new ScriptTasks(resolved.tasks, resolved.version)
  const { root, initialStates, ...settings } = resolved
  const provider =
    root === null ? createMemoryStateProvider(initialStates) : createProvider({ root, ...settings })
  const { signal, interrupt, onFault = warn } = options
  const stop = new StopRequest({ signal, word: runtime?.stop })
  const isAlone = given === undefined
  const groupSize = isAlone ? groupSizeAlone(resolved.groupSize) : resolved.groupSize
  const rootRank = isAlone ? 0 : checkRootRank(resolved.rootRank, communicator)
  const ranks = { communicator, groupSize, rootRank }
  const plan = { ...resolved, ...ranks, tasks, provider, stop, interrupt, onFault }
  const opened = await openParts(plan, (world) => agree(world, resolved, tasks))
  if (runtime !== undefined && communicator.rank === 0) announce(runtime, root, tasks, opened)
  return opened.batch
}

/** Opens a batch whose tasks are planned already. Collective over its communicator. */
export async function openPlannedBatch(plan: BatchPlan): Promise<Batch> {
  return (await openParts(plan)).batch
}

interface OpenedBatch {
  readonly batch: Batch
  readonly table: TaskTable
  readonly store: StateStore
}

/** @param check - Collective, before anything else; what it throws, it throws on all ranks. */
async function openParts(
  plan: BatchPlan,
  check: (world: Communicator) => Promise<void> = () => Promise.resolve(),
): Promise<OpenedBatch> {
  const { communicator, tasks, rootRank = 0, onFault } = plan
  // The one call on what is the caller's, so that batches which are opened at once don't mix.
  const world = await communicator.duplicate()
  await check(world).catch(async (error) => {
    await world.close()
    throw error
  })
  const workers = await createWorkerGroup(world, plan.groupSize)
  const control = await workers.group.duplicate()
  const fromRoot = await rootFirst(world, rootRank)
  const { store, loaded } = await openStore(fromRoot, { ...plan, group: workers.group, rank: world.rank })
  for (const { message } of loaded?.faults ?? []) onFault(message)
  const memory = await openTable({
    ...{ world: fromRoot, workers, taskCount: tasks.length, claimable: plan, isStored: store.keepsStates },
    contents: loaded && tableContents(plan, store, loaded.codes),
  })
  const { table, lock } = memory
  const interrupt = await GroupInterrupt.open(control, plan.interrupt)
  const stop = plan.stop.or(interrupt.signal)
  const timeLimit = await openTimeLimit(plan, { fromRoot, store })
  const claimer =
    lock === undefined
      ? undefined
      : createClaimer({ ...plan, stop }, { ...memory, store, lock, workers, timeLimit })
  // Once for each lease: threads share one.
  const says = fromRoot.rank === 0 || (lock !== undefined && !world.sharesProcess)
  const silence = says ? sayLease(store.lease, plan) : undefined
  const closeShared = async (): Promise<void> => {
    silence?.()
    await memory.close()
    if (fromRoot !== world) await fromRoot.close()
    await interrupt.close()
    await control.close()
    await workers.group.close()
    await workers.leaders?.close()
    await world.close()
  }
  const batch = new Batch({
    ...{ world, rootRank, workers, control, memory, store, claimer, tasks, interrupt },
    ...{ onFault, closeShared },
  })
  return { batch, table, store }
}

/** What tasks took before is known where the store was opened. Collective, where there is a limit. */
async function openTimeLimit(
  { timeLimitMs }: BatchPlan,
  { fromRoot, store }: { readonly fromRoot: Communicator; readonly store: StateStore },
): Promise<TimeLimit | undefined> {
  if (timeLimitMs === undefined) return undefined
  const endMs = performance.now() + timeLimitMs
  const usualMs = await fromRoot.broadcast(fromRoot.rank === 0 ? usualLength(store.durations()) : undefined)
  return new TimeLimit(endMs, usualMs)
}

/**
 * All ranks with the root in front, as rank 0: it opens the store, and owns what lies in the memory of one rank.
 * Collective.
 */
async function rootFirst(world: Communicator, rootRank: number): Promise<Communicator> {
  if (rootRank === 0) return world
  const ordered = await world.split({ color: 0, key: world.rank === rootRank ? 0 : 1 })
  invariant(ordered !== undefined, 'A rank with a color got no communicator')
  return ordered
}

function checkRootRank(rootRank: number, { size }: Communicator): number {
  if (rootRank < size) return rootRank
  throw new ConfigError(
    `rootRank is ${rootRank}, but there are ${size} ranks. Give one from 0 to ${size - 1}.`,
    { details: { rootRank, size } },
  )
}

/** What rank 0 puts into the table. */
function tableContents(plan: BatchPlan, store: StateStore, codes: Uint8Array): TableContents {
  const taskCount = plan.tasks.length
  const order = taskOrder(plan.order, { taskCount, durations: () => store.durations() })
  return { codes, claimable: plan, ...(order === undefined ? {} : { order }) }
}

function createClaimer(
  plan: BatchPlan,
  parts: OpenedTable & {
    store: StateStore
    lock: TokenLock
    workers: WorkerGroup
    timeLimit: TimeLimit | undefined
  },
): TaskClaimer {
  const { workers, ...shared } = parts
  const owner = workers.groupIndex
  const elsewhere = new ElsewhereWatch({
    ...{ ...shared, stop: plan.stop, wait: plan.wait },
    nameOf: (taskIndex) => plan.tasks.at(taskIndex)?.name ?? '',
    // All groups of a node wait for the same owners.
    onWait: parts.leadsNode ? plan.onFault : () => undefined,
  })
  return new TaskClaimer({ ...plan, ...shared, owner, claimable: plan, elsewhere })
}

/** Tells a person why nothing goes on, and that it does again. @returns Ends that. */
function sayLease(lease: StoreLease, { onFault }: BatchPlan): () => void {
  return lease.onChange((state) => {
    if (state === 'suspect') {
      onFault(
        'The task root did not answer in time. Nothing is started, and what runs is held, until it does again.',
      )
    }
    if (state === 'valid') onFault('The task root answers again; going on.')
  })
}

/** Every rank must have come with the same options and tasks, or the groups would run different things. */
async function agree(
  communicator: Communicator,
  resolved: ResolvedBatchOptions,
  { digest }: ScriptTasks,
): Promise<void> {
  if (communicator.size === 1) return
  const prints = await communicator.allgather(fingerprintOf({ ...resolved, tasks: digest }))
  const other = prints.findIndex((print) => print !== prints[0])
  if (other > 0) {
    throw new ConfigMismatchError(
      `Rank ${other} opened the batch with other options or tasks than rank 0. Give every rank the same list, in the same order.`,
      { details: { rank: other } },
    )
  }
}

function warn(message: string): void {
  process.stderr.write(`mpibatch: ${message}\n`)
}

let saidAlone = false

/** A script that runs by itself has one rank; groups of several then shrink to one, and the user is told how to get more. */
function groupSizeAlone(groupSize: number): number {
  if (groupSize > 1 && !saidAlone) {
    saidAlone = true
    warn(
      `this script runs alone, so each group has 1 rank instead of ${groupSize}. ` +
        `"mpibatch run -j ${groupSize} SCRIPT" gives it groups of ${groupSize}.`,
    )
  }
  return 1
}

function announce(runtime: Runtime, root: string | null, tasks: PlannedTasks, opened: OpenedBatch): void {
  const { batch, table, store } = opened
  runtime.announce({
    table: table.words,
    root,
    tasks,
    ticket: store.ticket,
    counts: () => batch.counts(),
  })
}
