/**
 * A file system in memory: what the server of a network file system holds, or the disk of a machine. Its errors are
 * those of Linux. {@link SimulatedClient} is how a machine sees it.
 *
 * Names and contents become durable as they do on a disk: contents by a sync of the file, names by a sync of their
 * directory. What a power cut takes otherwise is a matter of chance, within these rules:
 *
 * - `ordered`: each directory loses the last of its changes, none, some or all; what moved from one directory to
 *   another is lost in both or in none;
 * - `unordered`: every change is lost or kept by itself;
 * - a file keeps what was synced, and any length of what was written since.
 */
import { posix } from 'node:path'
import type { RandomSource } from './random-source.ts'
import {
  type NameChange,
  type NameEdit,
  SimulatedDirectory,
  type SimulatedFile,
  type SimulatedNode,
} from './simulated-nodes.ts'
import { systemError } from './system-error.ts'

/** Symbolic links that are followed one after the other. */
const FOLLOW_MAX = 40

/** What kind of file system it is. */
export interface SimulationOptions {
  /** Which changes of names a power cut may take. @defaultValue `ordered` */
  readonly metadata?: 'ordered' | 'unordered'
  /** Whether clients can be shown the past. @defaultValue false */
  readonly keepsPast?: boolean
  /** Names that a file can have. @defaultValue no limit */
  readonly linksMax?: number
  /** Hears of each change of names, after it. */
  readonly onChange?: (change: NameChange) => void
}

/** Where a name is. */
export interface Place {
  readonly directory: SimulatedDirectory
  readonly name: string
}

/** See the top of this file. */
export class SimulatedFileSystem {
  readonly root: SimulatedDirectory = new SimulatedDirectory(0, '')
  /** Simulated time; every call of a client takes a millisecond. */
  nowMs = 0
  readonly #options: SimulationOptions
  /** Directories by their paths, to save the way there. */
  readonly #known = new Map<string, SimulatedDirectory>()
  #nodeCount = 1
  #sequence = 0

  constructor(options: SimulationOptions = {}) {
    this.#options = options
  }

  /** Finds where a name is or would be. @throws `ENOENT`, `ENOTDIR`, `ELOOP` */
  place(path: string, call: string, depth = 0): Place {
    const slash = path.lastIndexOf('/')
    return { directory: this.#directoryAt(path.slice(0, slash), call, depth), name: path.slice(slash + 1) }
  }

  /** What a path stands for, at the server, without following a symbolic link at its end. */
  find(path: string): SimulatedNode | undefined {
    if (path === '/') return this.root
    try {
      const { directory, name } = this.place(path, 'find')
      return directory.entries.get(name)
    } catch {
      return undefined
    }
  }

  /** What a symbolic link leads to in the end. */
  follow(path: string, target: string, depth = 0): SimulatedNode | undefined {
    if (depth > FOLLOW_MAX) throw systemError('ELOOP', 'open', path)
    const next = posix.resolve(posix.dirname(path), target)
    const { directory, name } = this.place(next, 'open', depth)
    const node = directory.entries.get(name)
    return node?.kind === 'symlink' ? this.follow(next, node.target, depth + 1) : node
  }

  /** Text of a file as the server has it; `undefined` if it is none. */
  textOf(path: string): string | undefined {
    const node = this.find(path)
    return node?.kind === 'file' ? node.text : undefined
  }

  createFile({ directory, name }: Place): SimulatedFile {
    const file: SimulatedFile = {
      ...{ kind: 'file', id: this.#newId(), text: '', durableText: undefined },
      ...{ lost: false, linkCount: 0, changedAtMs: this.nowMs },
    }
    this.#change([{ directory, name, node: file }])
    return file
  }

  symlink(target: string, { directory, name }: Place): void {
    this.#change([{ directory, name, node: { kind: 'symlink', id: this.#newId(), target } }])
  }

  mkdir({ directory, name }: Place): void {
    this.#change([{ directory, name, node: new SimulatedDirectory(this.#newId(), name) }])
  }

  /** @returns Where the new name is. */
  link(existing: string, path: string): Place {
    const from = this.place(existing, 'link')
    const node = from.directory.entries.get(from.name)
    if (node === undefined) throw systemError('ENOENT', 'link', existing)
    const place = this.place(path, 'link')
    if (place.directory.entries.has(place.name)) throw systemError('EEXIST', 'link', path)
    if (node.kind === 'directory') throw systemError('EPERM', 'link', existing)
    if (node.kind === 'file' && node.linkCount >= (this.#options.linksMax ?? Number.POSITIVE_INFINITY))
      throw systemError('EMLINK', 'link', existing)
    this.#change([{ ...place, node }])
    return place
  }

  rename(from: Place, to: Place, path: string): void {
    const node = from.directory.entries.get(from.name)
    const replaced = to.directory.entries.get(to.name)
    if (node === undefined) throw systemError('ENOENT', 'rename', path)
    if (node.kind === 'directory' && contains(node, to.directory)) throw systemError('EINVAL', 'rename', path)
    if (replaced?.kind === 'directory' && contains(replaced, from.directory))
      throw systemError('ENOTEMPTY', 'rename', path)
    // Two names of one file: rename(2) leaves both.
    if (node === replaced) return
    if (replaced?.kind === 'directory') {
      if (node.kind !== 'directory') throw systemError('EISDIR', 'rename', path)
      if (replaced.entries.size > 0) throw systemError('ENOTEMPTY', 'rename', path)
    } else if (replaced !== undefined && node.kind === 'directory')
      throw systemError('ENOTDIR', 'rename', path)
    if (node.kind === 'directory') this.#known.clear()
    this.#change([
      { ...from, node: undefined },
      { ...to, node },
    ])
  }

  unlink({ directory, name }: Place, path: string): void {
    const node = directory.entries.get(name)
    if (node === undefined) throw systemError('ENOENT', 'unlink', path)
    if (node.kind === 'directory') throw systemError('EISDIR', 'unlink', path)
    this.#change([{ directory, name, node: undefined }])
  }

  rmdir({ directory, name }: Place, path: string): void {
    const node = directory.entries.get(name)
    if (node === undefined) throw systemError('ENOENT', 'rmdir', path)
    if (node.kind !== 'directory') throw systemError('ENOTDIR', 'rmdir', path)
    if (node.entries.size > 0) throw systemError('ENOTEMPTY', 'rmdir', path)
    this.#known.clear()
    this.#change([{ directory, name, node: undefined }])
  }

  /** Puts a file or the names of a directory on the disk. */
  sync(node: SimulatedNode): void {
    if (node.kind === 'directory') this.#persist(node, this.#sequence)
    else if (node.kind === 'file' && !node.lost) node.durableText = node.text
  }

  /** Puts everything on the disk. */
  syncAll(): void {
    for (const node of walk(this.root)) this.sync(node)
  }

  /** Takes what was not on the disk, or a part of it. Open descriptors must not be used any more. */
  powerCut(random: RandomSource): void {
    const directories = [...walk(this.root)].filter((node) => node.kind === 'directory')
    if (this.#options.metadata === 'unordered') this.#keepSome(directories, random)
    else {
      for (const directory of directories) {
        const keptCount = extremesFirst(directory.pending.length, random)
        const last = directory.pending[keptCount - 1]
        if (last !== undefined) this.#persist(directory, last.sequence)
      }
    }
    this.#known.clear()
    const files = new Set<SimulatedFile>()
    this.#restart(this.root, files)
    for (const file of files) {
      const least = file.durableText ?? ''
      file.text = file.text.slice(0, least.length + extremesFirst(file.text.length - least.length, random))
      file.durableText = file.text
      file.lost = false
    }
  }

  #restart(directory: SimulatedDirectory, files: Set<SimulatedFile>): void {
    directory.restart(this.nowMs, this.#options.keepsPast === true)
    for (const node of directory.entries.values()) {
      if (node.kind === 'directory') this.#restart(node, files)
      else if (node.kind === 'file') {
        if (!files.has(node)) node.linkCount = 0
        files.add(node)
        node.linkCount += 1
      }
    }
  }

  #keepSome(directories: readonly SimulatedDirectory[], random: RandomSource): void {
    const changes = new Set(directories.flatMap(({ pending }) => pending))
    for (const { edits } of [...changes].sort((one, other) => one.sequence - other.sequence)) {
      if (random.chance(50)) for (const edit of edits) persistEdit(edit)
    }
  }

  /** Puts the changes of a directory on the disk, up to one of them, and with them whatever they depend on. */
  #persist(directory: SimulatedDirectory, sequence: number): void {
    while ((directory.pending[0]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) {
      const change = directory.pending.shift()
      for (const edit of change?.edits ?? []) {
        if (edit.directory === directory) persistEdit(edit)
        else if (this.#options.metadata !== 'unordered') this.#persist(edit.directory, change?.sequence ?? 0)
        else if (edit.directory.pending.includes(change as NameChange)) {
          edit.directory.pending = edit.directory.pending.filter((other) => other !== change)
          persistEdit(edit)
        }
      }
    }
  }

  #change(edits: readonly NameEdit[]): void {
    this.#sequence += 1
    const change = { sequence: this.#sequence, edits }
    for (const { directory, name, node } of edits) {
      const before = directory.entries.get(name)
      if (before?.kind === 'file') before.linkCount -= 1
      if (node?.kind === 'file') node.linkCount += 1
      if (node?.kind === 'directory') node.name = name
      directory.set(name, node, this.nowMs, this.#options.keepsPast === true)
      if (directory.pending.at(-1) !== change) directory.pending.push(change)
    }
    this.#options.onChange?.(change)
  }

  #directoryAt(path: string, call: string, depth: number): SimulatedDirectory {
    if (path === '') return this.root
    const known = this.#known.get(path)
    if (known !== undefined) return known
    if (depth > FOLLOW_MAX) throw systemError('ELOOP', call, path)
    const slash = path.lastIndexOf('/')
    const parent = this.#directoryAt(path.slice(0, slash), call, depth)
    const node = parent.entries.get(path.slice(slash + 1))
    if (node === undefined) throw systemError('ENOENT', call, path)
    if (node.kind === 'file') throw systemError('ENOTDIR', call, path)
    if (node.kind === 'symlink')
      return this.#directoryAt(posix.resolve(path.slice(0, slash), node.target), call, depth + 1)
    this.#known.set(path, node)
    return node
  }

  #newId(): number {
    this.#nodeCount += 1
    return this.#nodeCount
  }
}

function persistEdit({ directory, name, node }: NameEdit): void {
  if (node === undefined) directory.durable.delete(name)
  else directory.durable.set(name, node)
}

/** A number from 0 to `max`; nothing and all are what happens most. */
function extremesFirst(max: number, random: RandomSource): number {
  if (max === 0) return 0
  return random.pick([0, max, random.below(max + 1)])
}

function contains(directory: SimulatedDirectory, other: SimulatedDirectory): boolean {
  for (const node of walk(directory)) if (node === other) return true
  return false
}

function* walk(directory: SimulatedDirectory): Generator<SimulatedNode> {
  yield directory
  for (const node of directory.entries.values()) {
    if (node.kind === 'directory') yield* walk(node)
    else yield node
  }
}
