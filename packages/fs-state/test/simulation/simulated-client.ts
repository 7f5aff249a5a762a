/**
 * The file layer of one machine over a {@link SimulatedFileSystem}.
 *
 * By default it sees everything at once, as processes of one machine do. Options give it the ways of a client of a
 * network file system: it shows the past, takes a name that was missing for missing for a while, gets the answer to a
 * repeated request instead of that to the first one, or an error. What creates a name exclusively, renames or unlinks
 * is always decided by the server. After {@link SimulatedClient.crash} every call fails and changes nothing.
 */
import { constants } from 'node:fs'
import type { DirectoryEntry, EntryKind, FileLayer } from '../../src/file-layer.ts'
import type { Fault, FileCall } from '../faulty-file-layer.ts'
import type { Place, SimulatedFileSystem } from './simulated-file-system.ts'
import type { SimulatedDirectory, SimulatedNode } from './simulated-nodes.ts'
import { systemError } from './system-error.ts'

const {
  O_ACCMODE = 3,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
} = {
  ...constants,
  O_ACCMODE: 3,
}

/** How a client behaves; each function is asked once per call that it is about. */
export interface ClientOptions {
  /** How old what a read by name shows may be, milliseconds. @defaultValue 0 */
  readonly lagMs?: (path: string) => number
  /** A file that was opened is the one of that name, or has another name: NFS without `nocto`. @defaultValue true */
  readonly closeToOpen?: boolean
  /** It never forgets what it did itself in a directory, nor what it saw of a name. @defaultValue true */
  readonly remembers?: boolean
  /** For how long a name that was found missing is taken for missing, milliseconds. @defaultValue 0 */
  readonly negativeMs?: () => number
  /** Whether the request was sent twice, and what is told is the answer to the second. @defaultValue never */
  readonly isReplayed?: (call: string, path: string) => boolean
  /** Error of a call. A write that fails has written the first half; a sync that fails never works for that text. */
  readonly fault?: (call: FileCall) => Fault
  /** Calls without a result that only seem to work. @defaultValue none */
  readonly ignored?: (call: FileCall) => boolean
  /** Kinds of link that are refused with EPERM. @defaultValue none */
  readonly refused?: readonly ('link' | 'symlink')[]
  /** Number of the file system's type. @defaultValue that of ext4 */
  readonly type?: number
  /** Calls after which the machine crashes. @defaultValue none */
  readonly callsMax?: number
  /** Resolves when a sync takes effect. @defaultValue at once */
  readonly syncing?: () => Promise<void>
  /** Resolves when a pause is over. @defaultValue at once, with the simulated clock put forward */
  readonly pausing?: (delayMs: number) => Promise<void>
}

const EXT4 = 0xef53

/** Thrown by every call after the machine has crashed. It has no code: it is nothing that a program could handle. */
export class MachineCrash extends Error {}

interface Descriptor {
  readonly path: string
  readonly node: SimulatedNode
  position: number
  /** A sync of this descriptor has failed: later ones of it only seem to work. */
  lost: boolean
}

/** See the top of this file. */
export class SimulatedClient implements FileLayer {
  /** Calls so far. */
  callCount = 0
  #callsLeft: number
  readonly #system: SimulatedFileSystem
  readonly #options: ClientOptions
  readonly #descriptors = new Map<number, Descriptor>()
  /** Names that were found missing, with the time until which they are taken for missing. */
  readonly #missing = new Map<string, number>()
  /** Directories that this client has changed, with the time of the last change. */
  readonly #changed = new Map<SimulatedDirectory, number>()
  /** Directories in which this client has looked up something. */
  readonly #entered = new Set<SimulatedDirectory>()
  /** Names that this client has looked up, with the time as of which they were shown. */
  readonly #seen = new Map<string, number>()
  #descriptorCount = 2

  constructor(system: SimulatedFileSystem, options: ClientOptions = {}) {
    this.#system = system
    this.#options = options
    this.#callsLeft = options.callsMax ?? Number.POSITIVE_INFINITY
  }

  get crashed(): boolean {
    return this.#callsLeft <= 0
  }

  /** From now on every call fails. */
  crash(): void {
    this.#callsLeft = 0
  }

  open(path: string, flags: number): number {
    return this.#run('open', path, () => {
      const creates = (flags & O_CREAT) !== 0
      if (creates && (flags & O_EXCL) !== 0) {
        const place = this.#freePlace(path, 'open')
        const file = this.#system.createFile(place)
        this.#replied(place, 'EEXIST', 'open', path)
        return this.#describe(path, file)
      }
      const seen = creates ? this.#system.find(path) : this.#look(path, 'open')
      const node = seen?.kind === 'symlink' ? this.#beyondLink(path, flags, seen.target) : seen
      if (node !== undefined) return this.#openNode(path, flags, node)
      if (!creates) throw systemError('ENOENT', 'open', path)
      return this.#describe(path, this.#system.createFile(this.#freePlace(path, 'open')))
    })
  }

  read(descriptor: number, buffer: Uint8Array, position?: number): number {
    const opened = this.#opened(descriptor)
    return this.#run('read', opened.path, () => {
      const { node } = opened
      if (node.kind !== 'file') throw systemError('EISDIR', 'read', opened.path)
      const start = position ?? opened.position
      const count = Math.min(buffer.length, Math.max(node.text.length - start, 0))
      for (let index = 0; index < count; index += 1) buffer[index] = node.text.charCodeAt(start + index)
      if (position === undefined) opened.position += count
      return count
    })
  }

  write(descriptor: number, text: string): void {
    const opened = this.#opened(descriptor)
    const { node, path } = opened
    if (node.kind !== 'file') throw systemError('EBADF', 'write', path)
    const bytes = Buffer.from(text).toString('latin1')
    const put = (piece: string): void => {
      // Only logs are written at another place than the end, and those at the end as well.
      node.text += piece
      node.changedAtMs = this.#system.nowMs
    }
    this.#run(
      'write',
      path,
      () => put(bytes),
      () => put(bytes.slice(0, bytes.length / 2)),
    )
  }

  close(descriptor: number): void {
    this.#descriptors.delete(descriptor)
  }

  async sync(descriptor: number): Promise<void> {
    const opened = this.#opened(descriptor)
    await this.#options.syncing?.()
    this.#run(
      'sync',
      opened.path,
      () => {
        if (!opened.lost) this.#system.sync(opened.node)
      },
      () => {
        opened.lost = true
        if (opened.node.kind === 'file') opened.node.lost = true
      },
    )
  }

  link(existing: string, path: string): void {
    this.#run('link', path, () => {
      this.#checkRefused('link', path)
      this.#missing.delete(path)
      const place = this.#system.link(existing, path)
      this.#replied(place, 'EEXIST', 'link', path)
    })
  }

  symlink(target: string, path: string): void {
    this.#run('symlink', path, () => {
      this.#checkRefused('symlink', path)
      const place = this.#freePlace(path, 'symlink')
      this.#system.symlink(target, place)
      this.#replied(place, 'EEXIST', 'symlink', path)
    })
  }

  readlink(path: string): string {
    return this.#run('readlink', path, () => {
      const node = this.#look(path, 'readlink')
      if (node === undefined) throw systemError('ENOENT', 'readlink', path)
      if (node.kind !== 'symlink') throw systemError('EINVAL', 'readlink', path)
      return node.target
    })
  }

  rename(from: string, to: string): void {
    this.#run('rename', to, () => {
      this.#checkThere(from, 'rename')
      const places = [this.#place(from, 'rename'), this.#place(to, 'rename')] as const
      this.#system.rename(...places, from)
      this.#missing.delete(to)
      this.#note(places[1])
      this.#replied(places[0], 'ENOENT', 'rename', from)
    })
  }

  unlink(path: string): void {
    this.#run('unlink', path, () => {
      this.#checkThere(path, 'unlink')
      const place = this.#place(path, 'unlink')
      this.#system.unlink(place, path)
      this.#replied(place, 'ENOENT', 'unlink', path)
    })
  }

  mkdir(path: string): void {
    this.#run('mkdir', path, () => {
      const place = this.#freePlace(path, 'mkdir')
      this.#system.mkdir(place)
      this.#replied(place, 'EEXIST', 'mkdir', path)
    })
  }

  rmdir(path: string): void {
    this.#run('rmdir', path, () => {
      const place = this.#place(path, 'rmdir')
      this.#system.rmdir(place, path)
      this.#replied(place, 'ENOENT', 'rmdir', path)
    })
  }

  kindOf(descriptor: number): EntryKind {
    return this.#opened(descriptor).node.kind
  }

  peek(path: string): EntryKind | undefined {
    return this.#run('peek', path, () => {
      if (path.endsWith('/')) {
        const bare = path.slice(0, -1)
        const node = this.#system.find(bare)
        return (node?.kind === 'symlink' ? this.#system.follow(bare, node.target) : node)?.kind
      }
      try {
        return this.#look(path, 'peek')?.kind
      } catch (error) {
        // As lstat(2) with a missing parent, where Node gives nothing instead of an error.
        if ((error as { code?: string }).code === 'ENOENT') return undefined
        throw error
      }
    })
  }

  *list(path: string): Generator<DirectoryEntry> {
    const found = this.#run('list', path, () => {
      const seen = this.#look(path, 'opendir')
      const node = seen?.kind === 'symlink' ? this.#system.follow(path, seen.target) : seen
      if (node === undefined) throw systemError('ENOENT', 'opendir', path)
      if (node.kind !== 'directory') throw systemError('ENOTDIR', 'opendir', path)
      const atMs = this.#shownAtMs(node, path)
      return atMs === undefined ? [...node.entries] : [...node.listAt(atMs)]
    })
    for (const [name, { kind }] of found) yield { name, kind }
  }

  fileSystemType(): number {
    return this.#options.type ?? EXT4
  }

  mountOf(): undefined {
    return undefined
  }

  stampOf(descriptor: number): string {
    const { node } = this.#opened(descriptor)
    return `${node.id} ${node.kind === 'symlink' ? 0 : node.changedAtMs}`
  }

  async pause(delayMs: number): Promise<void> {
    if (this.#options.pausing !== undefined) await this.#options.pausing(delayMs)
    else this.#system.nowMs += delayMs
  }

  /** Makes a call, with the error that was chosen for it. `half` is what one that fails has done nevertheless. */
  #run<T>(name: FileCall['name'], path: string, call: () => T, half?: () => void): T {
    if (this.#callsLeft <= 0) throw new MachineCrash(`The machine has crashed before ${name} '${path}'`)
    this.#callsLeft -= 1
    this.#system.nowMs += 1
    const number = this.callCount
    this.callCount += 1
    const { fault: choose, ignored } = this.#options
    if (ignored?.({ name, path, number }) === true) return undefined as T
    const fault = choose?.({ name, path, number })
    if (fault === undefined) return call()
    if (fault.after === true) call()
    else half?.()
    throw systemError(fault.code, name, path)
  }

  /** What a name stands for, as this client sees it now. */
  #look(path: string, call: string): SimulatedNode | undefined {
    const missingUntilMs = this.#missing.get(path)
    if (missingUntilMs !== undefined) {
      if (this.#system.nowMs < missingUntilMs) return undefined
      this.#missing.delete(path)
    }
    const { directory, name } = this.#place(path, call)
    let node = directory.entries.get(name)
    // Where it has looked into, it knows the way.
    if (node?.kind === 'directory' && this.#entered.has(node)) return node
    const atMs = this.#shownAtMs(directory, path)
    if (atMs !== undefined) {
      const shown = directory.at(name, atMs)
      const isGone = shown?.kind === 'file' && shown.linkCount === 0
      // Opening asks the server about the file that the cache names, and finds out that it has no name any more.
      if (!isGone || this.#options.closeToOpen === false) node = shown
    }
    const { negativeMs } = this.#options
    if (!directory.entries.has(name) && node === undefined && negativeMs !== undefined) {
      const forMs = negativeMs()
      if (forMs > 0) this.#missing.set(path, this.#system.nowMs + forMs)
    }
    return node
  }

  /** The time that a directory is shown as of; `undefined` for now. */
  #shownAtMs(directory: SimulatedDirectory, path: string): number | undefined {
    if (this.#options.lagMs === undefined) return undefined
    const lagMs = this.#options.lagMs(path)
    const atMs = this.#system.nowMs - lagMs
    if (this.#options.remembers === false) return atMs
    const rememberedMs = Math.max(atMs, this.#changed.get(directory) ?? atMs, this.#seen.get(path) ?? atMs)
    this.#seen.set(path, rememberedMs)
    return rememberedMs
  }

  #place(path: string, call: string): Place {
    const place = this.#system.place(path, call)
    if (this.#options.lagMs !== undefined) {
      this.#entered.add(place.directory)
      this.#missing.delete(path.slice(0, path.lastIndexOf('/')))
    }
    return place
  }

  /** Where a name is to be created; the server tells whether it is free, whatever this client has cached. */
  #freePlace(path: string, call: string): Place {
    const place = this.#place(path, call)
    this.#missing.delete(path)
    if (place.directory.entries.has(place.name)) throw systemError('EEXIST', call, path)
    return place
  }

  /** A name that is cached as missing is not even asked for. */
  #checkThere(path: string, call: string): void {
    if (this.#system.nowMs < (this.#missing.get(path) ?? 0)) throw systemError('ENOENT', call, path)
  }

  /** The call has taken effect; if it was sent twice, what comes back is the failure of the second. */
  #replied(place: Place, code: string, call: string, path: string): void {
    this.#note(place)
    if (this.#options.isReplayed?.(call, path) === true) throw systemError(code, call, path)
  }

  #note({ directory }: Place): void {
    if (this.#options.lagMs !== undefined) this.#changed.set(directory, this.#system.nowMs)
  }

  #checkRefused(call: 'link' | 'symlink', path: string): void {
    if (this.#options.refused?.includes(call) === true) throw systemError('EPERM', call, path)
  }

  #beyondLink(path: string, flags: number, target: string): SimulatedNode | undefined {
    if ((flags & O_NOFOLLOW) === 0) return this.#system.follow(path, target)
    throw systemError((flags & O_DIRECTORY) === 0 ? 'ELOOP' : 'ENOTDIR', 'open', path)
  }

  #openNode(path: string, flags: number, node: SimulatedNode): number {
    const writes = (flags & O_ACCMODE) !== O_RDONLY
    if (node.kind === 'directory' && (writes || (flags & O_CREAT) !== 0))
      throw systemError('EISDIR', 'open', path)
    if (node.kind !== 'directory' && (flags & O_DIRECTORY) !== 0) throw systemError('ENOTDIR', 'open', path)
    if (node.kind === 'file' && writes && (flags & O_APPEND) === 0)
      throw new Error(`Not simulated: writing into ${path}`)
    return this.#describe(path, node)
  }

  #describe(path: string, node: SimulatedNode): number {
    this.#descriptorCount += 1
    this.#descriptors.set(this.#descriptorCount, { path, node, position: 0, lost: false })
    return this.#descriptorCount
  }

  #opened(descriptor: number): Descriptor {
    const opened = this.#descriptors.get(descriptor)
    if (opened === undefined) throw systemError('EBADF', 'use', String(descriptor))
    return opened
  }
}
