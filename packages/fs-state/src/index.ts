/**
 * Task states on a file system. Start at `append.ts`, which moves a task by one event, then `task-view.ts`,
 * `task-claim.ts`, `fs-state-store.ts`; the files are described in `docs/state-files.md`.
 */
export { type Administrator, openAdministrator, type WaitingOwner } from './administrator.ts'
export type { AppendStep, OnAppendStep, StoreDurability } from './append.ts'
export { AttemptFollower } from './attempt-follower.ts'
export type { AttemptRow, AttemptRowOutcome } from './attempt-table.ts'
export { type DoctorOptions, examineDirectory } from './doctor/doctor.ts'
export type { DoctorReport, Finding, Severity, StepReport } from './doctor/report.ts'
export type { DirectoryEntry, EntryKind, FileLayer } from './file-layer.ts'
export { createFsStateProvider, type FsStateProviderOptions } from './fs-state-provider.ts'
export { collectGarbage, type GarbageOptions, type GarbageReport } from './gc.ts'
export { type KnownTask, KnownTasks } from './known-tasks.ts'
export { leaseOf } from './lease.ts'
export { nodeFileLayer } from './node-file-layer.ts'
export type { OwnerSight } from './owner-sight.ts'
export { listProcesses, type ProcessStat, readProcessStat } from './process-identity.ts'
export {
  type InstanceReport,
  openRootView,
  type RootView,
  type TaskOwner,
  type TaskReport,
} from './root-view.ts'
export { type RootWatcher, type WatchRootOptions, watchRoot } from './root-watcher.ts'
export type { BufferReference } from './shared-buffers/buffer-reference.ts'
export type { BufferElements, BufferElementType } from './shared-buffers/element-types.ts'
export type { FileMapping } from './shared-buffers/file-mapping.ts'
export { openSharedBuffersWith, type SharedBuffersOptions } from './shared-buffers/open-shared-buffers.ts'
export type { BufferView, PutOptions, SharedBuffers } from './shared-buffers/shared-buffers.ts'
export { readFreshFile, writeWholeFile } from './shared-files/published-file.ts'
export { type SyncBarrierSyncOptions, syncBarrierSync } from './shared-files/sync-barrier-sync.ts'
export { createSlurmJobs, type SlurmJobs } from './slurm-jobs.ts'
export type { FsStoreTicket } from './store-session.ts'
export { endProcessesWith, type Survivor } from './survivors.ts'
export type { AttemptOutcome, HistoryAttempt } from './task-attempts.ts'
export {
  type ExplainOptions,
  explainTask,
  type HistoryEvent,
  type HistoryJob,
  type HistoryOwner,
  type TaskHistory,
} from './task-history.ts'
export type { Oddity } from './task-oddities.ts'
export type { TaskOutlook } from './task-outlook.ts'
export type { ReopenOptions, ReopenResult } from './task-reopening.ts'
