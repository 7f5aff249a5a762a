import { resolve } from 'node:path'
import { NameIndex, PackedTexts, RESERVED_NAME, type TaskDefinition } from '@mpibatch/batch-core'
import type { EntryKind, FileLayer } from './file-layer.ts'
import { type ManifestEntry, readManifestLines } from './manifest.ts'
import { ManifestLookup } from './manifest-lookup.ts'
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
 * pshmem has made, by name. Their names are kept, and where their lines stand; a line is read again when it is asked for.
 */
export class KnownTasks {
  readonly #names = new PackedTexts()
  readonly #index: NameIndex
  readonly #lookup: ManifestLookup
  readonly #faults = new Map<number, DirectoryFault>()
  /** 1 for each task that had a directory, or something else in its place, when the root was listed. */
  #present = new Uint8Array()

  /**
   * Reads them. A root that is not there holds none.
   *
   * @throws {@link StoreUnusableError} if the root can't be read.
   * @throws {@link StateCorruptError} if the manifest can't be understood.
   */
  constructor(root: string, files: FileLayer = nodeFileLayer) {
    const place = resolve(root)
    this.#index = new NameIndex((position) => this.#names.at(position))
    this.#lookup = new ManifestLookup(files, place)
    if (!checkRootPlace(files, place)) return
    checkReadableRoot(files, place)
    for (const { entry, ...line } of readManifestLines(files, place))
      this.#lookup.set(this.#index.indexOf(entry.name) ?? this.#add(entry.name), line)
    this.#present = new Uint8Array(this.length)
    const others: string[] = []
    for (const { name, kind } of files.list(place)) {
      const position = this.#index.indexOf(name)
      const fault = directoryFault(kind)
      if (position !== undefined) this.#present[position] = 1
      if (position !== undefined && fault !== undefined) this.#faults.set(position, fault)
      if (position !== undefined || fault !== undefined || name === RESERVED_NAME) continue
      if (files.peek(statePath(taskDirectory(place, name))) !== undefined) others.push(name)
    }
    for (const name of others.sort()) this.#add(name)
  }

  get length(): number {
    return this.#names.length
  }

  /** Name of the task at a position, from 0. */
  nameOf(position: number): string {
    return this.#names.at(position)
  }

  /** Position of the task of a name. */
  indexOf(name: string): number | undefined {
    return this.#index.indexOf(name)
  }

  /** What stands in the place of a task's directory, if it is none. */
  faultOf(position: number): DirectoryFault | undefined {
    return this.#faults.get(position)
  }

  /** Whether a task had a directory when these were read; one that had none may have been made since. */
  hadDirectory(position: number): boolean {
    return this.#present[position] !== 0
  }

  /**
   * The task at a position, by its line in the manifest.
   *
   * @throws {@link StateIoError} if that can't be read any more.
   */
  at(position: number): KnownTask | undefined {
    if (!(position >= 0 && position < this.length)) return undefined
    const fault = this.#faults.get(position)
    const task = this.#lookup.entryOf(position) ?? { name: this.nameOf(position) }
    return fault === undefined ? task : { ...task, directoryFault: fault }
  }

  *[Symbol.iterator](): Generator<KnownTask> {
    for (let position = 0; position < this.length; position += 1) {
      const task = this.at(position)
      if (task !== undefined) yield task
    }
  }

  #add(name: string): number {
    this.#names.add(name)
    this.#index.add(name)
    return this.#names.length - 1
  }
}
