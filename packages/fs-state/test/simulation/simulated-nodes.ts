/** What a simulated file system consists of: files, symbolic links, and directories with their past. */

/** A file. Its text has a character per byte. */
export interface SimulatedFile {
  readonly kind: 'file'
  readonly id: number
  text: string
  /** What a power cut leaves for certain; `undefined` as long as nothing was ever synced. */
  durableText: string | undefined
  /** A sync has failed: what was written before never reaches the disk, whatever later syncs say. */
  lost: boolean
  /** Number of names. */
  linkCount: number
  changedAtMs: number
}

/** A symbolic link. */
export interface SimulatedSymlink {
  readonly kind: 'symlink'
  readonly id: number
  readonly target: string
}

/** Anything that a name can stand for. */
export type SimulatedNode = SimulatedFile | SimulatedSymlink | SimulatedDirectory

/** A name that has got another node, or none. */
export interface NameEdit {
  readonly directory: SimulatedDirectory
  readonly name: string
  readonly node: SimulatedNode | undefined
}

/** A change of names that takes effect as a whole: one edit, or the two of a rename. */
export interface NameChange {
  /** Grows with every change of the file system. */
  readonly sequence: number
  readonly edits: readonly NameEdit[]
}

interface Version {
  readonly atMs: number
  readonly node: SimulatedNode | undefined
}

/** A directory. */
export class SimulatedDirectory {
  readonly kind = 'directory'
  readonly id: number
  /** Its name in its parent. */
  name: string
  changedAtMs = 0
  entries: Map<string, SimulatedNode> = new Map()
  /** What a power cut leaves for certain. */
  durable: Map<string, SimulatedNode> = new Map()
  /** Changes that a power cut may take back, in their order. */
  pending: NameChange[] = []
  readonly #past = new Map<string, Version[]>()

  constructor(id: number, name: string) {
    this.id = id
    this.name = name
  }

  /** Gives a name another node, or none. */
  set(name: string, node: SimulatedNode | undefined, atMs: number, keepPast: boolean): void {
    if (keepPast) {
      const versions = this.#past.get(name)
      if (versions === undefined) this.#past.set(name, [{ atMs, node }])
      else versions.push({ atMs, node })
    }
    if (node === undefined) this.entries.delete(name)
    else this.entries.set(name, node)
    this.changedAtMs = atMs
  }

  /** What a name stood for at some time. */
  at(name: string, atMs: number): SimulatedNode | undefined {
    const versions = this.#past.get(name) ?? []
    for (let index = versions.length - 1; index >= 0; index -= 1) {
      const version = versions[index]
      if (version !== undefined && version.atMs <= atMs) return version.node
    }
    return undefined
  }

  /** All names and what they stood for at some time. */
  *listAt(atMs: number): Generator<[string, SimulatedNode]> {
    for (const name of this.#past.keys()) {
      const node = this.at(name, atMs)
      if (node !== undefined) yield [name, node]
    }
  }

  /** Forgets what was not durable, and the past. */
  restart(atMs: number, keepPast: boolean): void {
    this.entries = new Map()
    this.pending = []
    this.#past.clear()
    // Nobody is shown what was before.
    for (const [name, node] of this.durable) this.set(name, node, Number.NEGATIVE_INFINITY, keepPast)
    this.changedAtMs = atMs
  }
}
