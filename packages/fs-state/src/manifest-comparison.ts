/** Compares the tasks of a batch with what the manifest knows (pure). */
import { NameIndex, type PlannedTask, type PlannedTasks, TasksChangedError } from '@mpibatch/batch-core'
import type { ManifestEntry } from './manifest.ts'

/** Changes that an error's message lists. */
const LISTED_MAX = 10

/** Characters of a summary that an error's message shows. */
const SUMMARY_SIZE_MAX = 200

/** A known task that would now run something else. */
export interface TaskChange {
  readonly name: string
  /** What it ran before, and what it would run now. */
  readonly before: ManifestEntry
  readonly after: PlannedTask
}

/** Result of {@link compareTasks}. */
export interface TaskComparison {
  /** Positions of the tasks that the manifest does not know. */
  readonly added: Uint32Array
  readonly changed: readonly TaskChange[]
  /** Number of tasks that are known and the same. */
  readonly unchangedCount: number
}

/**
 * Compares a list of tasks with the lines of a manifest. Known tasks that are not in the list don't count.
 *
 * @param tasks - With names of their own.
 */
export function compareTasks(tasks: PlannedTasks, known: Iterable<ManifestEntry>): TaskComparison {
  const positionOf = finder(tasks)
  const isKnown = new Uint8Array(tasks.length)
  const changes = new Map<number, TaskChange>()
  for (const entry of known) {
    const index = positionOf(entry.name)
    const task = index === undefined ? undefined : tasks.at(index)
    if (index === undefined || task === undefined) continue
    isKnown[index] = 1
    // A later line stands before an earlier one, so it may also take a change back.
    if (entry.fingerprint === task.fingerprint) changes.delete(index)
    else changes.set(index, { name: task.name, before: entry, after: task })
  }
  const added = zerosOf(isKnown)
  const changed = [...changes].sort(([one], [other]) => one - other).map(([, change]) => change)
  return { added, changed, unchangedCount: tasks.length - added.length - changed.length }
}

function zerosOf(marks: Uint8Array): Uint32Array {
  const positions = new Uint32Array(marks.length)
  let count = 0
  for (const [position, mark] of marks.entries()) {
    if (mark !== 0) continue
    positions[count] = position
    count += 1
  }
  return positions.slice(0, count)
}

/** Finds tasks by name: at once as long as they come in the order of the list, which nearly all do. */
function finder(tasks: PlannedTasks): (name: string) => number | undefined {
  const nameOf = (index: number): string => tasks.at(index)?.name ?? ''
  let cursor = 0
  let names: NameIndex | undefined
  return (name) => {
    if (cursor < tasks.length && nameOf(cursor) === name) {
      cursor += 1
      return cursor - 1
    }
    names ??= NameIndex.of(tasks.length, nameOf)
    const found = names.indexOf(name)
    if (found !== undefined) cursor = found + 1
    return found
  }
}

/** The error that says which known tasks would run something else. */
export function tasksChanged(root: string, changed: readonly TaskChange[]): TasksChangedError {
  const count = changed.length === 1 ? 'One known task' : `${changed.length} known tasks`
  const lines = changed.slice(0, LISTED_MAX).map((change) => {
    const [before, after] = [shown(change.before), shown(change.after)]
    return `  ${change.name}: ${before} -> ${after}`
  })
  if (changed.length > LISTED_MAX) lines.push(`  … and ${changed.length - LISTED_MAX} more`)
  return new TasksChangedError(
    `${count} of ${root} would now run something different; nothing was started.\n${lines.join('\n')}\n` +
      'Go on with --accept-changes, which runs the changed tasks again, or choose another --root.',
    { details: { root, changes: changed.map(toDetails) } },
  )
}

function toDetails({ name, before, after }: TaskChange): Readonly<Record<string, unknown>> {
  return { name, before: plain(before), after: plain(after) }
}

function plain({ values, fingerprint, summary }: ManifestEntry): Readonly<Record<string, unknown>> {
  return {
    fingerprint,
    ...(values === undefined ? {} : { values }),
    ...(summary === undefined ? {} : { summary }),
  }
}

function shown({ summary, values, fingerprint }: ManifestEntry): string {
  const text = summary ?? (values === undefined ? `fingerprint ${fingerprint}` : JSON.stringify(values))
  return text.length > SUMMARY_SIZE_MAX ? `${text.slice(0, SUMMARY_SIZE_MAX)}…` : text
}
