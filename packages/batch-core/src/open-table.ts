/**
 * Opens the task table of a batch: one in the memory of the node where all ranks are on one, else one per node, with the
 * pool from which the nodes take their tasks.
 */
import type { Communicator } from './communicator.ts'
import { ConfigError } from './errors.ts'
import { NodeCounts } from './node-counts.ts'
import { findNodePlace, type NodePlace } from './node-place.ts'
import { StateColumn } from './state-column.ts'
import { TaskPool } from './task-pool.ts'
import type { ClaimableStates, TableState } from './task-state.ts'
import { type TableContents, TaskTable } from './task-table.ts'
import { TokenLock } from './token-lock.ts'
import type { WorkerGroup } from './worker-group.ts'

/** A batch's tasks in memory, as one rank reaches them. */
export interface OpenedTable {
  /** Of this rank's node. */
  readonly table: TaskTable
  /** Guards the table's queue; on leaders only. */
  readonly lock: TokenLock | undefined
  /** Whether this rank leads the first worker group of those that are led from its node. */
  readonly leadsNode: boolean
  /** Takes more tasks into the table; `false` when there are none. Leaders only; not collective. */
  readonly refill: () => Promise<boolean>
  /** Takes tasks that had ended before into the table, where they do not wait to be claimed. Leaders only, under `lock`. */
  readonly refillEnded: () => Promise<readonly number[]>
  /** Tells the other nodes the state of a task that this rank has claimed, without waiting. */
  readonly note: (index: number, state: TableState) => void
  /** State of any task of the batch, as far as memory knows. Not collective. */
  readonly stateOf: (index: number) => Promise<TableState>
  /** The same of all tasks, in the order of the list. */
  readonly states: () => Promise<readonly TableState[]>
  /** Resolves when the other nodes see what this rank has noted. Not collective. */
  readonly flush: () => Promise<void>
  /** Makes the table's counts exact. Collective, when no task changes any more. */
  readonly settle: () => Promise<void>
  /** Frees all. Collective. */
  readonly close: () => Promise<void>
}

/** What {@link openTable} needs. */
export interface OpenTableOptions {
  readonly world: Communicator
  readonly workers: WorkerGroup
  readonly taskCount: number
  /** On rank 0: the states of all tasks, and their order. */
  readonly contents: TableContents | undefined
  readonly claimable: ClaimableStates
  /** Whether a store keeps the states, so that memory need not know those of other nodes. Equal on all ranks. */
  readonly isStored: boolean
}

/** Opens the table. Collective. */
export async function openTable(options: OpenTableOptions): Promise<OpenedTable> {
  const { world, workers, taskCount, contents, claimable } = options
  const place = await findNodePlace(world, workers.leaders !== undefined)
  const window = await place.node.createWindow({ length: TaskTable.wordCount(taskCount) })
  const { words } = window
  if (words === undefined) throw noSharedMemory()
  if (place.node.rank === 0) {
    const table = TaskTable.create(words, taskCount)
    if (place.nodeCount > 1) table.openEmpty(claimable)
    else if (contents !== undefined) table.fill(contents)
  }
  await world.barrier()
  const table = new TaskTable(words)
  const opened =
    place.nodeCount > 1 ? await shareAmongNodes(options, place, table) : await openAlone(options, table)
  return {
    ...opened,
    close: async () => {
      await opened.close()
      await window.close()
      await place.node.close()
    },
  }
}

/** As MPI says they do; but walls between processes, as of containers, it does not see. */
function noSharedMemory(): ConfigError {
  return new ConfigError(
    'The ranks of this node run in containers or sandboxes of their own, so they share no memory. Start all ranks of a node in ' +
      "one container, let the containers see the host's processes (docker --pid=host), or start one rank per node with -j N.",
  )
}

/** All ranks are on one node: the table has everything. */
async function openAlone({ workers }: OpenTableOptions, table: TaskTable): Promise<OpenedTable> {
  const lock = workers.leaders === undefined ? undefined : await TokenLock.create(workers.leaders)
  return {
    table,
    lock,
    leadsNode: workers.leaders?.rank === 0,
    refill: () => Promise.resolve(false),
    refillEnded: () => Promise.resolve([]),
    note: () => undefined,
    stateOf: (index) => Promise.resolve(table.stateOf(index)),
    states: () => Promise.resolve(statesIn(table)),
    flush: () => Promise.resolve(),
    settle: () => Promise.resolve(),
    close: async () => lock?.close(),
  }
}

async function shareAmongNodes(
  { world, workers, taskCount, contents, isStored }: OpenTableOptions,
  place: NodePlace,
  table: TaskTable,
): Promise<OpenedTable> {
  const codes = contents?.codes
  const pool = await TaskPool.open({ world, place, table, contents })
  const counts = await NodeCounts.open({ world, place, table, codes })
  const column = isStored ? undefined : await StateColumn.open(world, { taskCount, codes })
  const { leaders } = workers
  const nodeLeaders = await leaders?.splitByNode()
  const locks = leaders &&
    nodeLeaders && {
      nodeLock: await TokenLock.create(nodeLeaders),
      poolLock: await TokenLock.create(leaders),
    }
  return {
    table,
    lock: locks?.nodeLock,
    leadsNode: nodeLeaders?.rank === 0,
    refill: async () => locks !== undefined && (await pool.refill(locks)),
    refillEnded: async () => (locks === undefined ? [] : await pool.refillEnded(locks.poolLock)),
    note: (index, state) => column?.note(index, state),
    stateOf: async (index) =>
      table.has(index) || column === undefined ? table.stateOf(index) : await column.read(index),
    states: async () => {
      const states = await column?.readAll()
      // Of its own tasks this node knows more than it has told yet.
      return (
        states?.map((state, index) => (table.has(index) ? table.stateOf(index) : state)) ?? statesIn(table)
      )
    },
    flush: async () => column?.flush(),
    settle: () => counts.settle(),
    close: async () => {
      await locks?.poolLock.close()
      await locks?.nodeLock.close()
      await nodeLeaders?.close()
      await column?.close()
      await counts.close()
      await pool.close()
    },
  }
}

function statesIn(table: TaskTable): TableState[] {
  return Array.from({ length: table.taskCount }, (_, index) => table.stateOf(index))
}
