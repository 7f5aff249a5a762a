import { resolve } from 'node:path'
import { RESERVED_NAME, type TaskDefinition } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import { type ManifestEntry, readManifest } from './manifest.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { checkReadableRoot, checkRootPlace } from './root-check.ts'
import { statePath, taskDirectory } from './store-paths.ts'

/** A task that a root holds; what the manifest says of it, if it is there. */
export interface KnownTask extends TaskDefinition, Partial<Pick<ManifestEntry, 'fingerprint' | 'summary'>> {}

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
    if (kind !== 'directory' || name === RESERVED_NAME || tasks.has(name)) continue
    if (files.peek(statePath(taskDirectory(place, name))) !== undefined) others.push(name)
  }
  return [...tasks.values(), ...others.sort().map((name) => ({ name }))]
}
