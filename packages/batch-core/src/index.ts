/**
 * Tasks, claims, worker groups, the token lock, the ports, and the runtimes that need no addon.
 * Start at `open-batch.ts`, then `batch.ts`, `task-table.ts`, `communicator.ts`.
 */
export type {
  CopyArrayOptions,
  EmptyArrayOptions,
  RegionOptions,
  SetOptions,
  SharedArrayOptions,
} from './array-options.ts'
export { ArrayView, type SliceRange } from './array-view.ts'
export { type Awaitable, catching, whenThere } from './awaitable.ts'
export { Batch } from './batch.ts'
export type {
  BatchEventName,
  BatchEvents,
  BatchListener,
  TaskCounts,
  TaskElsewhereEvent,
  TaskEvent,
  TaskFailedEvent,
} from './batch-events.ts'
export { type MapResult, VALUE_SIZE_MAX } from './batch-map.ts'
export {
  type BatchOptions,
  DEFAULT_CRASH_LIMIT,
  DEFAULT_ROOT,
  type Durability,
  type LivenessOptions,
  type ResolvedBatchOptions,
  type TaskOrder,
} from './batch-options.ts'
export type {
  Communicator,
  Message,
  ReceiveOptions,
  ReduceOperation,
  Reducible,
  RootOptions,
  SendOptions,
  SplitOptions,
  WaitOptions,
} from './communicator.ts'
export * from './errors.ts'
export { invariant } from './invariant.ts'
export { MapReduce } from './map-reduce.ts'
export type { MapOptions, MapReduceOptions, MapReducer, MapWork } from './map-reduce-options.ts'
export { createMemoryStateProvider, MemoryStateStore } from './memory-state-store.ts'
export { createMessageCommunicator } from './message-communicator.ts'
export type { Envelope, MessageTransport, TransportListener } from './message-transport.ts'
export { type NamedList, NameIndex } from './name-index.ts'
export {
  type BatchPlan,
  type CreateStoreProvider,
  openBatchWith,
  openPlannedBatch,
  type StoreSettings,
} from './open-batch.ts'
export { PackedTexts } from './packed-texts.ts'
export { roomFor } from './room-for.ts'
export type { TaskBody } from './run-tasks.ts'
export {
  type AnnouncedBatch,
  type AnnouncedTasks,
  findRuntime,
  type Runtime,
  type RuntimeOptions,
  STOP_DRAIN,
  STOP_NONE,
  setRuntime,
} from './runtime.ts'
export { SharedArray } from './shared-array.ts'
export type { SharedMemory } from './shared-memory.ts'
export type { SharedWindow, WordParking } from './shared-window.ts'
export { createSoloCommunicator } from './solo-communicator.ts'
export {
  type AttemptProcess,
  type AttemptReason,
  type AttemptRecord,
  type ClaimOutcome,
  type ElsewhereOwner,
  type LeaseState,
  type LoadedFault,
  type LoadedStates,
  type Outlook,
  PERMANENT_LEASE,
  type PlannedTask,
  type PlannedTasks,
  type StateStore,
  type StateStoreProvider,
  type StoreClaim,
  type StoreLease,
  type StoreTicket,
} from './state-store.ts'
export { StopRequest } from './stop-request.ts'
export type { AttemptFacts, Task } from './task.ts'
export {
  checkTaskNames,
  RESERVED_NAME,
  TASK_NAME_BYTES_MAX,
  type TaskDefinition,
  type TaskValue,
  taskNameFault,
} from './task-definition.ts'
export { digestOf, fingerprintOf } from './task-fingerprint.ts'
export {
  type ClaimableStates,
  isClaimable,
  isLegalTransition,
  isStoredState,
  isTerminal,
  STATE_CODE,
  STORED_STATES,
  type StoredState,
  TABLE_STATES,
  type TableState,
  type TaskState,
  type TerminalState,
} from './task-state.ts'
export { SLOT_MAX, type TableContents, TaskTable } from './task-table.ts'
export {
  startThreads,
  type ThreadFailure,
  type ThreadJob,
  type ThreadJobOptions,
  type ThreadJobResult,
  type ThreadOutput,
} from './threads/start-threads.ts'
export { TokenLock } from './token-lock.ts'
export type {
  MappedBytes,
  MappedWords,
  RemoteWords,
  TransportMemory,
  WordOperation,
} from './transport-memory.ts'
export {
  type ElementOf,
  TYPE_NAMES,
  type TypedArray,
  type TypedArrayType,
  typeNamed,
  typeNameOfValues,
} from './typed-arrays.ts'
export { createWorkerGroup, groupLayout, type WorkerGroup } from './worker-group.ts'
