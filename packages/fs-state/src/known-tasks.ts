import { resolve } from 'node:path'
import { RESERVED_NAME, type TaskDefinition } from '@mpibatch/batch-core'
import type { EntryKind, FileLayer } from './file-layer.ts'
import { type ManifestEntry, readManifest } from './manifest.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { checkReadableRoot, checkRootPlace } from './root-check.ts'
import { statePath, taskDirectory } from './store-paths.ts'

/** A task that a root holds; what the manifest says of it, if it is there. */
export interface KnownTask extends TaskDefinition, Partial<Pick<ManifestEntry, 'fingerprint' | 'summary'>> {
  /** What stands in the place of its directory, if it is none; nothing is read through it. */
  readonly directoryFault?: DirectoryFault
}

/** What may stand in the place of a task's directory. */
export type DirectoryFault = 'a symbolic link' | 'not a directory'

/** Names what stands in the place of a directory; `undefined` for a directory. */
export function directoryFault(kind: EntryKind): DirectoryFault | undefined {
  if (kind === 'directory') return undefined
  return kind === 'symlink' ? 'a symbolic link' : 'not a directory'
}

/**
 * The tasks that a root holds: those of the manifest in their order, then other directories with a `state` file, which
 * pshmem has made, by name. A root that is not there holds none.
 *
 * @throws {@link StoreUnusableError} if the root can't be read.
 * @throws {@link StateCorruptError} if the manifest can't be understood.
 */
export function readKnownTasks(root: string, files: FileLayer = nodeFileLayer): readonly KnownTask[] {
  const place = resolve(root)
  if (!checkRootPlace(files, place)) return []
  checkReadableRoot(files, place)
  const tasks = new Map<string, KnownTask>()
  for (const entry of readManifest(files, place)) tasks.set(entry.name, entry)
  const others: string[] = []
  for (const { name, kind } of files.list(place)) {
    const task = tasks.get(name)
    const fault = directoryFault(kind)
    if (task !== undefined && fault !== undefined) tasks.set(name, { ...task, directoryFault: fault })
    if (task !== undefined || fault !== undefined || name === RESERVED_NAME) continue
    if (files.peek(statePath(taskDirectory(place, name))) !== undefined) others.push(name)
  }
  return [...tasks.values(), ...others.sort().map((name) => ({ name }))]
}
