/** What `mpibatch gc` removes from the directories of instances that are gone. */
import { JOURNAL_NAME } from './done-index.ts'
import { removeDirectory, removeFile, syncDirectory } from './file-access.ts'
import type { DirectoryEntry, FileLayer } from './file-layer.ts'
import { infoPath, instanceDirectory } from './store-paths.ts'

/** Names in the directory of an instance, by what they are needed for. */
export interface InstanceGarbage {
  readonly instance: string
  /** Merged into the snapshot of the index. */
  readonly journals: readonly string[]
  /** Needed by the instance itself only: tokens, heartbeat, lease, what it was building. */
  readonly leftovers: readonly DirectoryEntry[]
  /** Needed as long as an event names it: its attempts, its life log with the lowest entry first. */
  readonly records: readonly string[]
  /** Whether an entry of its life log is there. */
  readonly hasLife: boolean
}

/** Looks into the directory of an instance that is gone. */
export function findInstanceGarbage(files: FileLayer, root: string, instance: string): InstanceGarbage {
  const entries = [...files.list(instanceDirectory(root, instance))]
  const names = entries.map(({ name }) => name)
  const lives = names
    .filter((name) => /^life\.[0-9]+$/.test(name))
    .sort((one, other) => entryOf(one) - entryOf(other))
  return {
    instance,
    journals: names.filter((name) => JOURNAL_NAME.test(name)),
    leftovers: entries.filter(({ name }) => /^(tok|new)\.|^(hb|lease|lease\.lock|probed?)$/.test(name)),
    records: [...names.filter((name) => /^attempts\.[0-9]+$/.test(name)), ...lives],
    hasLife: lives.length > 0,
  }
}

function entryOf(life: string): number {
  return Number(life.slice('life.'.length))
}

/** Removes journals, and waits until they are gone from the disk as well. @throws The system's error. */
export async function removeJournals(
  files: FileLayer,
  root: string,
  garbage: InstanceGarbage,
): Promise<void> {
  if (garbage.journals.length === 0) return
  const directory = instanceDirectory(root, garbage.instance)
  for (const name of garbage.journals) removeFile(files, `${directory}/${name}`)
  await syncDirectory(files, directory)
}

/** Removes what only the instance itself needed. @throws The system's error. */
export function removeLeftovers(files: FileLayer, root: string, garbage: InstanceGarbage): void {
  const directory = instanceDirectory(root, garbage.instance)
  for (const entry of garbage.leftovers) removeTree(files, directory, entry)
}

/**
 * Removes the directory of an instance whose attempts are in the history. What says who it was goes last: without its
 * life log an instance counts as one that never began, and its process can still be looked up.
 *
 * @throws The system's error.
 */
export function removeInstance(files: FileLayer, root: string, garbage: InstanceGarbage): void {
  const directory = instanceDirectory(root, garbage.instance)
  for (const name of garbage.records) removeFile(files, `${directory}/${name}`)
  removeFile(files, infoPath(directory))
  removeDirectory(files, directory)
}

/** A directory in which a task's directory or a lease was being built has names, but no deep tree. */
function removeTree(files: FileLayer, parent: string, { name, kind }: DirectoryEntry): void {
  const path = `${parent}/${name}`
  if (kind !== 'directory') {
    removeFile(files, path)
    return
  }
  for (const entry of [...files.list(path)]) removeTree(files, path, entry)
  removeDirectory(files, path)
}
