import { Batch } from './batch.ts'
import {
  type BatchOptions,
  type LivenessOptions,
  type ResolvedBatchOptions,
  resolveBatchOptions,
} from './batch-options.ts'
import type { Communicator } from './communicator.ts'
import { ElsewhereWatch } from './elsewhere-watch.ts'
import { ConfigMismatchError } from './errors.ts'
import { memoryStateStoreProvider } from './memory-state-store.ts'
import { openStore } from './open-store.ts'
import { type OpenedTable, openTable } from './open-table.ts'
import { findRuntime, type Runtime } from './runtime.ts'
import { createSoloCommunicator } from './solo-communicator.ts'
import type { PlannedTask, StateStore, StateStoreProvider, StoreLease } from './state-store.ts'
import { StopRequest } from './stop-request.ts'
import { TaskClaimer } from './task-claimer.ts'
import { fingerprintOf, planScriptTask } from './task-fingerprint.ts'
import { taskOrder } from './task-order.ts'
import type { TableContents, TaskTable } from './task-table.ts'
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

/** A batch whose tasks are planned already: options of {@link openPlannedBatch}. Equal on all ranks, but `stop`. */
export interface BatchPlan
  extends Pick<
    ResolvedBatchOptions,
    'groupSize' | 'retries' | 'retryDelayMs' | 'retryFailed' | 'rerun' | 'stealRunning' | 'order' | 'wait'
  > {
  readonly tasks: readonly PlannedTask[]
  readonly communicator: Communicator
  readonly provider: StateStoreProvider
  readonly stop: StopRequest
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
  const resolved = resolveBatchOptions(options, runtime?.options)
  const given = options.communicator ?? runtime?.communicator
  const communicator = given ?? createSoloCommunicator()
  const tasks = resolved.tasks.map((task) => planScriptTask(task, resolved.version))
  await agree(communicator, { ...resolved, tasks })
  const { root, ...settings } = resolved
  const provider = root === null ? memoryStateStoreProvider : createProvider({ root, ...settings })
  const stop = new StopRequest({ signal: options.signal, word: runtime?.stop })
  const groupSize = given === undefined ? groupSizeAlone(resolved.groupSize) : resolved.groupSize
  const onFault = options.onFault ?? warn
  const opened = await openParts({ ...resolved, tasks, groupSize, communicator, provider, stop, onFault })
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

async function openParts(plan: BatchPlan): Promise<OpenedBatch> {
  const { communicator, tasks } = plan
  const world = await communicator.duplicate()
  const workers = await createWorkerGroup(world, plan.groupSize)
  const control = await workers.group.duplicate()
  const { store, loaded } = await openStore(world, { ...plan, group: workers.group })
  for (const { message } of loaded?.faults ?? []) plan.onFault(message)
  const memory = await openTable({
    ...{ world, workers, taskCount: tasks.length, claimable: plan, isStored: store.keepsStates },
    contents: loaded && tableContents(plan, store, loaded.codes),
  })
  const { table, lock } = memory
  const claimer = lock === undefined ? undefined : createClaimer(plan, { ...memory, store, lock, workers })
  // Once for each lease: threads share one.
  const says = world.rank === 0 || (lock !== undefined && !world.sharesProcess)
  const silence = says ? sayLease(store.lease, plan) : undefined
  const closeShared = async (): Promise<void> => {
    silence?.()
    await memory.close()
    await control.close()
    await workers.group.close()
    await workers.leaders?.close()
    await world.close()
  }
  const batch = new Batch({
    world,
    workers,
    control,
    memory,
    store,
    claimer,
    tasks,
    closeShared,
  })
  return { batch, table, store }
}

/** What rank 0 puts into the table. */
function tableContents(plan: BatchPlan, store: StateStore, codes: Uint8Array): TableContents {
  const taskCount = plan.tasks.length
  const order = taskOrder(plan.order, { taskCount, durations: () => store.durations() })
  return { codes, claimable: plan, ...(order === undefined ? {} : { order }) }
}

function createClaimer(
  plan: BatchPlan,
  parts: OpenedTable & { store: StateStore; lock: TokenLock; workers: WorkerGroup },
): TaskClaimer {
  const { workers, ...shared } = parts
  const owner = workers.groupIndex
  const elsewhere = new ElsewhereWatch({
    ...{ ...shared, stop: plan.stop, wait: plan.wait },
    nameOf: (taskIndex) => plan.tasks[taskIndex]?.name ?? '',
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
async function agree(communicator: Communicator, resolved: object): Promise<void> {
  if (communicator.size === 1) return
  const prints = await communicator.allgather(fingerprintOf(resolved))
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

function announce(
  runtime: Runtime,
  root: string | null,
  tasks: readonly PlannedTask[],
  opened: OpenedBatch,
): void {
  const { batch, table, store } = opened
  runtime.announce({
    table: table.words,
    root,
    tasks,
    ticket: store.ticket,
    counts: () => batch.counts(),
  })
}
