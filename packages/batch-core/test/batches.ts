/** Batches of tests that need no file: in memory, or over a store that a test makes. */
import {
  type Batch,
  type BatchOptions,
  type Communicator,
  type MemoryStateStore,
  type NamedList,
  openBatchWith,
  type StateStoreProvider,
} from '../src/index.ts'
import { createLoopback } from '../src/testing/index.ts'

/** Names of tasks: t0, t1 and so on. */
export const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`)

/** Opens a batch that lives in memory. */
export function openInMemory(options: BatchOptions): Promise<Batch> {
  return openBatchWith({ root: null, ...options }, () => {
    throw new Error('a batch without a root asked for a store')
  })
}

/** A provider whose stores this function makes, one per rank. */
export function providerOf(create: (taskCount: number) => MemoryStateStore): StateStoreProvider {
  const open = (tasks: NamedList): Promise<MemoryStateStore> => Promise.resolve(create(tasks.length))
  return { open, attach: (_ticket, tasks) => open(tasks), join: (_ticket, tasks) => open(tasks) }
}

/** Runs the same program on every rank of a loopback. */
export function onRanks<T>(size: number, program: (communicator: Communicator) => Promise<T>): Promise<T[]> {
  return Promise.all(createLoopback(size).map(program))
}
