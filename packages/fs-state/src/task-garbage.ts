/** What `mpibatch gc` removes from the directory of a task, and what it must not. */
import { removeFile, syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { eventPath, valuePath } from './store-paths.ts'
import { isPlainlyDone, readEvent, readState } from './task-chain.ts'
import { findUnneededValues } from './task-values.ts'

/** A task's files that are of use to nobody, and the instances that its other events name. */
export interface TaskGarbage {
  /** Whether `state` says DONE. */
  readonly done: boolean
  /** Slots of events that are not needed, the highest first. */
  readonly events: readonly number[]
  /** Names of payloads that are not needed. */
  readonly payloads: readonly string[]
  /** Slots of values that do not count. */
  readonly values: readonly number[]
  /** Instances whose files must stay. */
  readonly owners: readonly string[]
}

/**
 * Looks for what is not needed in a task's directory, while no instance is at work.
 *
 * Of a task that is DONE no event is needed: its `state` stands by itself. Of another one all events are, and every
 * payload whose event was made: it may not have reached `state` yet.
 */
export function findTaskGarbage(files: FileLayer, directory: string): TaskGarbage {
  const { slots, payloads } = listTaskFiles(files, directory)
  const state = readState(files, directory)
  const isDone = isPlainlyDone(state)
  const values = state.kind === 'word' ? findUnneededValues(files, directory, isDone) : []
  if (isDone) {
    slots.sort((one, other) => other - one)
    return { done: true, events: slots, payloads: payloads.map(({ name }) => name), values, owners: [] }
  }
  const ownerOf = new Map(
    slots.map((slot) => [slot, readEvent(files, directory, slot)?.content?.instance] as const),
  )
  const orphans = payloads.filter(({ slot, instance }) => {
    const owner = ownerOf.get(slot)
    return owner === undefined ? !ownerOf.has(slot) : owner !== instance
  })
  return {
    done: false,
    events: [],
    payloads: state.kind === 'invalid' ? [] : orphans.map(({ name }) => name),
    values,
    owners: [...ownerOf.values()].flatMap((owner) => owner ?? []),
  }
}

/**
 * Removes what {@link findTaskGarbage} has found. The highest event goes first: what a crash leaves is a shorter chain,
 * not one with a hole, after which an old event could seem to be the last. The values go before the events, which say
 * which of them counts.
 *
 * @param options.inOrder - Wait for the disk after each event, where it may lose removals in another order.
 * @throws The system's error.
 */
export async function removeTaskGarbage(
  files: FileLayer,
  directory: string,
  options: { readonly garbage: TaskGarbage; readonly inOrder: boolean },
): Promise<void> {
  const { garbage, inOrder } = options
  for (const name of garbage.payloads) removeFile(files, `${directory}/${name}`)
  for (const slot of garbage.values) removeFile(files, valuePath(directory, slot))
  for (const [position, slot] of garbage.events.entries()) {
    if (inOrder && position + garbage.values.length > 0) await syncDirectory(files, directory)
    removeFile(files, eventPath(directory, slot))
  }
}

interface Payload {
  readonly name: string
  readonly slot: number
  readonly instance: string
}

function listTaskFiles(files: FileLayer, directory: string): { slots: number[]; payloads: Payload[] } {
  const slots: number[] = []
  const payloads: Payload[] = []
  for (const { name } of files.list(directory)) {
    if (!name.startsWith('state.')) continue
    const event = /^state\.ev\.([1-9][0-9]{0,8})$/.exec(name)?.[1]
    if (event !== undefined) slots.push(Number(event))
    const [, slot, instance] = /^state\.p([1-9][0-9]{0,8})\.([0-9a-f]{16})$/.exec(name) ?? []
    if (slot !== undefined && instance !== undefined) payloads.push({ name, slot: Number(slot), instance })
  }
  return { slots, payloads }
}
