/** Looks through a task root, in which nobody is at work, for what `mpibatch gc` removes; changes nothing. */
import { NameIndex, RESERVED_NAME } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import { type HistoryInstance, listHistoryInstances } from './history.ts'
import { listInstances, readInstance } from './instance.ts'
import { findInstanceGarbage, type InstanceGarbage } from './instance-garbage.ts'
import { codeOf } from './io-error.ts'
import { isGone, isSameMachine, ownIdentity } from './process-identity.ts'
import { listSequence } from './sequence-files.ts'
import { snapshotsDirectory, taskDirectory } from './store-paths.ts'
import { findTaskGarbage } from './task-garbage.ts'

/** What a directory of a root is. */
export const TASK_KIND = {
  /** It says nothing of DONE. */
  other: 0,
  /** DONE, without events: another program may have written it, so it stays out of the index. */
  doneWithoutEvents: 1,
  doneWithEvents: 2,
} as const

/** What is there to be removed. */
export interface RootGarbage {
  /** All directories of the root, which may be tasks. */
  readonly tasks: NameIndex
  /** One of {@link TASK_KIND} per directory. */
  readonly kinds: Uint8Array
  /** Those of them that hold something to be removed. */
  readonly littered: readonly number[]
  readonly eventCount: number
  readonly payloadCount: number
  readonly valueCount: number
  /** Every other instance that has begun. */
  readonly instances: readonly InstanceGarbage[]
  /** Those whose directories are not needed. */
  readonly unneeded: ReadonlySet<string>
  /** Those of these whose attempts are not in the history yet. */
  readonly untold: readonly HistoryInstance[]
  readonly snapshotCount: number
}

/** Looks for everything; `instance` is the one that looks, which is left out. */
export function surveyGarbage(
  files: FileLayer,
  root: string,
  options: { readonly instance: string; readonly assertStopped: boolean },
): RootGarbage {
  const tasks = surveyTasks(files, root)
  const told = new Set(listHistoryInstances(files, root).map(({ instance }) => instance))
  const instances: InstanceGarbage[] = []
  const unneeded = new Set<string>()
  const untold: HistoryInstance[] = []
  for (const instance of listInstances(files, root)) {
    if (instance === options.instance) continue
    const garbage = findInstanceGarbage(files, root, instance)
    const { info } = readInstance(files, root, instance)
    const hasGone = info !== undefined && isSameMachine(ownIdentity(), info) && isGone(info)
    // One that has not begun may be about to.
    if (!garbage.hasLife && !told.has(instance) && !hasGone && !options.assertStopped) continue
    instances.push(garbage)
    if (tasks.owners === undefined || tasks.owners.has(instance)) continue
    unneeded.add(instance)
    // A gc has attempted nothing.
    if (!told.has(instance) && info?.role !== 'gc')
      untold.push({ instance, ...(info === undefined ? {} : { info }) })
  }
  const snapshotCount = listSequence(files, snapshotsDirectory(root)).length
  return { ...tasks, instances, unneeded, untold, snapshotCount }
}

interface TaskSurvey
  extends Pick<RootGarbage, 'tasks' | 'kinds' | 'littered' | 'eventCount' | 'payloadCount' | 'valueCount'> {
  /** Instances that events name which stay; `undefined` if some directory can't be looked into. */
  readonly owners: ReadonlySet<string> | undefined
}

function surveyTasks(files: FileLayer, root: string): TaskSurvey {
  const names: string[] = []
  for (const { name, kind } of files.list(root))
    if (kind === 'directory' && name !== RESERVED_NAME) names.push(name)
  const kinds = new Uint8Array(names.length)
  const littered: number[] = []
  const owners = new Set<string>()
  let isWhole = true
  let eventCount = 0
  let payloadCount = 0
  let valueCount = 0
  for (const [taskIndex, name] of names.entries()) {
    try {
      const garbage = findTaskGarbage(files, taskDirectory(root, name))
      const { done, events, payloads, values } = garbage
      if (done) kinds[taskIndex] = events.length > 0 ? TASK_KIND.doneWithEvents : TASK_KIND.doneWithoutEvents
      for (const owner of garbage.owners) owners.add(owner)
      if (events.length + payloads.length + values.length > 0) littered.push(taskIndex)
      eventCount += events.length
      payloadCount += payloads.length
      valueCount += values.length
    } catch (error) {
      // A directory that is none of ours, as lost+found, or one that a person has just removed.
      if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'ENOENT') throw error
      isWhole = false
    }
  }
  const tasks = NameIndex.of(names.length, (index) => names[index] ?? '')
  return {
    tasks,
    kinds,
    littered,
    eventCount,
    payloadCount,
    valueCount,
    owners: isWhole ? owners : undefined,
  }
}
