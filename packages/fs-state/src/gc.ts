/**
 * `mpibatch gc`: removes from a task root what nothing needs any more (`docs/state-files.md`, gc).
 *
 * Purpose: to give back the inodes of ended tasks and instances. Guarantees: no state changes, no result is lost, and
 * what people are shown stays the same; after a kill at any point the root can be used, and gc run again.
 *
 * Steps, of which each makes the next one safe: the guard (`gc-guard.ts`); the attempts of instances that will go are
 * added to the history; a snapshot of the index takes in all journals, with a slot below every other for each task that
 * is DONE; older snapshots and the journals go, so that no line of the index tells of slots that begin again; the events
 * of DONE tasks and orphan payloads go; what only dead instances needed goes, and their directories, where no event
 * names them.
 */
import { resolve } from 'node:path'
import { type LivenessOptions, StoreUnusableError } from '@mpibatch/batch-core'
import { type DoneIndex, readDoneIndex } from './done-index.ts'
import { syncDirectory, syncFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { describeInstance, findPresent } from './gc-guard.ts'
import { type RootGarbage, surveyGarbage, TASK_KIND } from './gc-survey.ts'
import { addToHistory } from './history.ts'
import { hasEndedLife, type InstanceFiles, writeLife } from './instance.ts'
import { removeInstance, removeJournals, removeLeftovers } from './instance-garbage.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import type { JournalLine } from './journal.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { registerSession } from './register-session.ts'
import { checkReadableRoot } from './root-check.ts'
import { publishSnapshot } from './snapshot-publishing.ts'
import { ownDirectory, snapshotsDirectory, statePath, taskDirectory } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { findTaskGarbage, removeTaskGarbage } from './task-garbage.ts'

/** Options of {@link collectGarbage}. */
export interface GarbageOptions {
  /** Only count. @defaultValue false */
  readonly dryRun?: boolean
  /** A person vouches that every instance has stopped, also one that only fell silent. @defaultValue false */
  readonly assertStopped?: boolean
  /** Times that were chosen; the rest follows the file system. */
  readonly liveness?: LivenessOptions
  /** Hears how long gc waits, in milliseconds, where others see late that it is there. */
  readonly onWait?: (waitMs: number) => void
  /** File system to use. @defaultValue that of `node:fs` */
  readonly files?: FileLayer
}

/** How much was removed, or would be. */
export interface GarbageReport {
  /** Events of tasks that are DONE. */
  readonly events: number
  /** Payloads that belong to no event. */
  readonly payloads: number
  /** Values of attempts that did not count. */
  readonly values: number
  /** Journals and snapshots that the new snapshot of the index replaces. */
  readonly journals: number
  readonly snapshots: number
  /** Tokens, heartbeats and the like of instances that are gone. */
  readonly leftovers: number
  /** Instances whose directories no event names; their attempts go to the history. */
  readonly instances: number
}

/**
 * Removes what nothing needs any more.
 *
 * @throws {@link StoreUnusableError} if an instance lives, or is not proven to be gone. Nothing was removed then.
 * @throws {@link StateIoError} if the file system fails; gc can be run again.
 */
export async function collectGarbage(root: string, options: GarbageOptions = {}): Promise<GarbageReport> {
  const { files = nodeFileLayer, dryRun = false, assertStopped = false, liveness } = options
  const place = resolve(root)
  checkReadableRoot(files, place)
  if (files.peek(ownDirectory(place)) !== 'directory') return NOTHING
  if (dryRun) {
    refuseBeside(
      findPresent({ files, root: place, instance: '', local: isLocal(files, place) }),
      place,
      options,
    )
    return reportOf(surveyGarbage(files, place, { instance: '', assertStopped }))
  }
  const session = await registerSession({
    ...{ root: place, files, durability: 'terminal', crashLimit: Number.MAX_SAFE_INTEGER, liveness },
    ...{ command: 'mpibatch gc', role: 'gc', onStep: undefined },
  })
  try {
    return reportOf(await collect(session, options))
  } catch (error) {
    if (codeOf(error) === '' || error instanceof StoreUnusableError) throw error
    throw toStateIoError(error, { path: place, action: 'remove what is not needed from' })
  } finally {
    await session.close()
  }
}

async function collect(session: StoreSession, options: GarbageOptions): Promise<RootGarbage> {
  const { files, root, instance } = session
  await waitUntilSeen(session, options)
  const present = findPresent({ files, root, instance, local: isLocal(files, root) })
  refuseBeside(present, root, options)
  await declareDead(session, present)
  const survey = surveyGarbage(files, root, { instance, assertStopped: options.assertStopped === true })
  if (survey.untold.length > 0) {
    const told = await addToHistory(files, root, { instances: survey.untold, staged: session.stage() })
    if (!told) throw disturbed(root)
  }
  if (survey.eventCount > 0 || countJournals(survey) > 0) await renewIndex(session, survey)
  for (const taskIndex of survey.littered) await cleanTask(session, survey, taskIndex)
  for (const garbage of survey.instances) {
    removeLeftovers(files, root, garbage)
    if (survey.unneeded.has(garbage.instance)) removeInstance(files, root, garbage)
  }
  return survey
}

/**
 * Where others see late what is new, gc waits until everybody who has registered before it is seen by it, and everybody
 * who registers after it sees it.
 */
async function waitUntilSeen({ files, ticket }: StoreSession, { onWait }: GarbageOptions): Promise<void> {
  const waitMs = 2 * ticket.timings.visibilityMs
  if (waitMs === 0) return
  onWait?.(waitMs)
  await files.pause(waitMs)
}

function refuseBeside(present: readonly InstanceFiles[], root: string, options: GarbageOptions): void {
  if (present.length === 0 || options.assertStopped === true) return
  const shown = present.slice(0, SHOWN_MAX).map(describeInstance)
  if (present.length > SHOWN_MAX) shown.push(`and ${present.length - SHOWN_MAX} more`)
  throw new StoreUnusableError(
    `Nothing was removed from ${root}, for somebody may be at work there: ${shown.join('; ')}. Wait until they have ended, or stop them. If you know that they have stopped, also the silent ones, add --assert-stopped.`,
    { details: { root, instances: present.map(({ instance }) => instance) } },
  )
}

/** Those who have stopped by a person's word: their tasks, if they have any, are free at once. */
async function declareDead(session: StoreSession, present: readonly InstanceFiles[]): Promise<void> {
  const { files, root } = session
  for (const found of present) {
    if (hasEndedLife(found)) continue
    const { instance, nextLife: entry } = found
    await writeLife(files, root, { instance, entry, life: 'DEAD', staged: session.stage(), sync: true })
  }
}

/**
 * Puts all journals into a snapshot, after which neither they nor an older snapshot are needed. A task that is DONE gets
 * slot 0: its events go, and any line `R` that comes now has a higher slot.
 */
async function renewIndex(session: StoreSession, survey: RootGarbage): Promise<void> {
  const { files, root } = session
  const index = readDoneIndex(files, root, survey.tasks)
  await syncStates(session, survey, index)
  const content = () => ({ journals: index.journals(), lines: linesOf(survey, index) })
  if (!(await publishSnapshot(files, root, { content, staged: session.stage(), kept: 1 })))
    throw disturbed(root)
  await syncDirectory(files, snapshotsDirectory(root))
  for (const garbage of survey.instances) await removeJournals(files, root, garbage)
}

/** The index may only call DONE what a power cut leaves so. */
async function syncStates(
  { files, root }: StoreSession,
  survey: RootGarbage,
  index: DoneIndex,
): Promise<void> {
  for (const [taskIndex, kind] of survey.kinds.entries()) {
    if (kind !== TASK_KIND.doneWithEvents || index.isDone(taskIndex)) continue
    const directory = taskDirectory(root, survey.tasks.nameOf(taskIndex))
    await syncFile(files, statePath(directory))
    await syncDirectory(files, directory)
  }
  await syncDirectory(files, root)
}

function* linesOf({ tasks, kinds }: RootGarbage, index: DoneIndex): Generator<JournalLine> {
  for (const [taskIndex, kind] of kinds.entries()) {
    const task = tasks.nameOf(taskIndex)
    const known = index.lineOf(taskIndex)
    if (kind === TASK_KIND.doneWithEvents || (kind === TASK_KIND.doneWithoutEvents && known?.kind === 'D'))
      yield { kind: 'D', slot: 0, task }
    else if (known?.kind === 'R') yield known
  }
}

async function cleanTask(session: StoreSession, survey: RootGarbage, taskIndex: number): Promise<void> {
  const { files, root, ticket } = session
  const directory = taskDirectory(root, survey.tasks.nameOf(taskIndex))
  const garbage = findTaskGarbage(files, directory)
  // Only what the index has been told of.
  if (garbage.done && survey.kinds[taskIndex] !== TASK_KIND.doneWithEvents && garbage.events.length > 0)
    return
  await removeTaskGarbage(files, directory, { garbage, inOrder: ticket.claimSync })
}

/** Instances that a refusal names. */
const SHOWN_MAX = 10

const NOTHING: GarbageReport = {
  events: 0,
  payloads: 0,
  values: 0,
  journals: 0,
  snapshots: 0,
  leftovers: 0,
  instances: 0,
}

function reportOf(survey: RootGarbage): GarbageReport {
  const journals = countJournals(survey)
  const isRenewed = survey.eventCount > 0 || journals > 0
  return {
    events: survey.eventCount,
    payloads: survey.payloadCount,
    values: survey.valueCount,
    journals,
    snapshots: isRenewed ? survey.snapshotCount : 0,
    leftovers: survey.instances.reduce((sum, { leftovers }) => sum + leftovers.length, 0),
    instances: survey.unneeded.size,
  }
}

function countJournals({ instances }: RootGarbage): number {
  return instances.reduce((sum, { journals }) => sum + journals.length, 0)
}

function disturbed(root: string): StoreUnusableError {
  return new StoreUnusableError(
    `Another "mpibatch gc" is at work on ${root}. Wait until it has ended, and run it again.`,
    { details: { root } },
  )
}

function isLocal(files: FileLayer, root: string): boolean {
  return fileSystemClass(files.fileSystemType(root), files.mountOf(root)).local
}
