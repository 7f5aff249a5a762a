/**
 * The library: what a job script imports.
 *
 * `openBatch` is the door; `docs/glossary.md` has the words.
 */
import { type Batch, type BatchOptions, findRuntime, openBatchWith } from '@mpibatch/batch-core'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { findScriptCommunicator } from './mpi/script-communicator.ts'

export * from '@mpibatch/batch-core'
export {
  type BufferElements,
  type BufferElementType,
  type BufferReference,
  type BufferView,
  createFsStateProvider,
  openRootView,
  type PutOptions,
  readFreshFile,
  type SharedBuffers,
  type SharedBuffersOptions,
  type SyncBarrierSyncOptions,
  syncBarrierSync,
  writeWholeFile,
} from '@mpibatch/fs-state'
export { tasksFromCsv } from './input/tasks-from-csv.ts'
export { openSharedBuffers } from './open-shared-buffers.ts'
export { worldCommunicator } from './world-communicator.ts'

/**
 * Opens a batch over a task root. Collective over the ranks: every one opens it with equal options.
 *
 * The ranks are those that `mpibatch run job.mjs` started, or those that an MPI launcher did (`mpirun node job.mjs`), or
 * this process alone.
 *
 * @throws {@link ConfigError} for a wrong option, an empty list, a task name that is no safe directory name, or ranks
 *   that don't fill the groups.
 * @throws {@link ConfigMismatchError} if ranks differ in what they ask for.
 * @throws {@link TasksChangedError} if the root knows one of the tasks with other values; nothing was changed.
 * @throws {@link StoreUnusableError} if the root can't hold task states.
 * @throws {@link MpiError} if an MPI launcher started this script, and no MPI that fits it is here.
 */
export async function openBatch(options: BatchOptions = {}): Promise<Batch> {
  const isGiven = options.communicator !== undefined || findRuntime() !== undefined
  const communicator = isGiven ? undefined : await findScriptCommunicator()
  return await openBatchWith(
    communicator === undefined ? options : { ...options, communicator },
    (settings) => createFsStateProvider({ ...settings, command: process.argv[1] ?? 'script' }),
  )
}
