/** Looks for trouble among the tasks of a root (step 10); changes nothing. */

import { listInstances } from '../../instance.ts'
import { KnownTasks } from '../../known-tasks.ts'
import { nodeFileLayer } from '../../node-file-layer.ts'
import { payloadPrefix, taskDirectory } from '../../store-paths.ts'
import { isPlainlyDone, readState, readTask } from '../../task-chain.ts'
import { peekInstance, type SeenInstance } from '../seen-instance.ts'

/** What may be wrong with a task. */
export type TaskTrouble =
  /** Its `state` can't be understood. */
  | 'invalid'
  /** RUNNING, written by a program that takes no claims. */
  | 'foreign'
  /** Its last event can't be read. */
  | 'unreadable-event'
  /** `state` says OPEN over a result. */
  | 'overwritten'
  /** Claimed by an instance that is dead. */
  | 'dead-owner'
  /** Its result was not shown before its owner died. */
  | 'unfinished-result'
  /** It has a payload that nobody will rename any more. */
  | 'orphan-payload'

/** A task with what is wrong with it. */
export interface TroubledTask {
  readonly name: string
  readonly trouble: TaskTrouble
}

/** What was found in a root. */
export interface TreeReading {
  readonly tasks: number
  /** Tasks that were looked at before the time was over. */
  readonly looked: number
  /** How many tasks have which trouble. */
  readonly counts: Partial<Record<TaskTrouble, number>>
  /** The first tasks of each trouble. */
  readonly examples: readonly TroubledTask[]
  /** Tasks that `--repair` can mend. */
  readonly repairable: readonly string[]
  /** Instances that have died without saying so. */
  readonly deadInstances: readonly string[]
  readonly livingInstances: number
}

/** Tasks that are named for each trouble. */
const EXAMPLES_MAX = 3

/** Looks at all tasks of a root, or at as many as the time allows. */
export function inspectTree({ root, budgetMs }: { root: string; budgetMs: number }): TreeReading {
  const end = performance.now() + budgetMs
  const instances = new Map<string, SeenInstance>()
  for (const instance of listInstances(nodeFileLayer, root))
    instances.set(instance, peekInstance(root, instance))
  const tasks = new KnownTasks(root)
  const counts: Partial<Record<TaskTrouble, number>> = {}
  const examples: TroubledTask[] = []
  const repairable: string[] = []
  let looked = 0
  for (const { name } of tasks) {
    if (performance.now() > end) break
    looked += 1
    for (const trouble of troublesOf(taskDirectory(root, name), instances)) {
      const count = (counts[trouble] ?? 0) + 1
      counts[trouble] = count
      if (count <= EXAMPLES_MAX) examples.push({ name, trouble })
      if (trouble === 'dead-owner' || trouble === 'unfinished-result') repairable.push(name)
    }
  }
  const seen = [...instances]
  return {
    ...{ tasks: tasks.length, looked, counts, examples, repairable },
    deadInstances: seen.filter(([, { state }]) => state === 'dead').map(([instance]) => instance),
    livingInstances: seen.filter(([, { state }]) => state === 'alive').length,
  }
}

function troublesOf(directory: string, instances: ReadonlyMap<string, SeenInstance>): readonly TaskTrouble[] {
  if (isPlainlyDone(readState(nodeFileLayer, directory))) return []
  const { view, slot } = readTask(nodeFileLayer, directory, 0)
  switch (view.kind) {
    case 'open':
      return hasOrphan(directory, slot, instances) ? ['orphan-payload'] : []
    case 'settled':
      return view.overwritten ? ['overwritten'] : []
    case 'invalid':
      return ['invalid']
    case 'foreign':
      return ['foreign']
    case 'unknown':
      return ['unreadable-event']
    case 'claimed':
    case 'ending': {
      if (!isOver(view.owner, instances)) return []
      return [view.kind === 'ending' ? 'unfinished-result' : 'dead-owner']
    }
  }
}

/** A payload of the next slot, or of one before, whose instance is over. */
function hasOrphan(directory: string, slot: number, instances: ReadonlyMap<string, SeenInstance>): boolean {
  if (nodeFileLayer.peek(directory) !== 'directory') return false
  for (const { name } of nodeFileLayer.list(directory)) {
    for (const of of [slot, slot + 1]) {
      const prefix = payloadPrefix(of)
      if (name.startsWith(prefix) && isOver(name.slice(prefix.length), instances)) return true
    }
  }
  return false
}

function isOver(instance: string, instances: ReadonlyMap<string, SeenInstance>): boolean {
  const state = instances.get(instance)?.state
  return state === 'dead' || state === 'ended'
}
