import type { Communicator } from './communicator.ts'
import type { GroupInterrupt } from './group-interrupt.ts'
import type { OpenedTable } from './open-table.ts'
import type { PlannedTasks, StateStore } from './state-store.ts'
import type { TaskClaimer } from './task-claimer.ts'
import type { WorkerGroup } from './worker-group.ts'

/** What a batch is made of, on one rank. @internal */
export interface BatchParts {
  /** All ranks, in the caller's order. */
  readonly world: Communicator
  /** The rank of `world` that has opened the store. */
  readonly rootRank: number
  readonly workers: WorkerGroup
  /** Messages of the batch itself inside the group, apart from the user's. */
  readonly control: Communicator
  readonly memory: OpenedTable
  readonly store: StateStore
  /** Only on group leaders. */
  readonly claimer: TaskClaimer | undefined
  readonly tasks: PlannedTasks
  readonly interrupt: GroupInterrupt
  /** Hears what a person should know. */
  readonly onFault: (message: string) => void
  readonly closeShared: () => Promise<void>
}
