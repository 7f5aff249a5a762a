/** What a holder holds: which buffers, where each lies, and which was used last (no file system). */

/** A buffer that is held. */
export interface HeldBuffer {
  readonly id: string
  readonly sizeBytes: number
  readonly isInMemory: boolean
  /** What is mapped of it here, as far as anybody still has it. */
  readonly mappings: Set<WeakRef<ArrayBuffer>>
}

/** See the top of this file. */
export class HeldBuffers {
  /** The least recently used first. */
  readonly #byId = new Map<string, HeldBuffer>()
  #memoryBytes = 0

  /** Bytes that are held in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes
  }

  add(id: string, sizeBytes: number, isInMemory: boolean): HeldBuffer {
    const held = { id, sizeBytes, isInMemory, mappings: new Set<WeakRef<ArrayBuffer>>() }
    this.#byId.set(id, held)
    if (isInMemory) this.#memoryBytes += sizeBytes
    return held
  }

  /** Finds a buffer, which becomes the last used one. */
  use(id: string): HeldBuffer | undefined {
    const held = this.#byId.get(id)
    if (held === undefined) return undefined
    this.#byId.delete(id)
    this.#byId.set(id, held)
    return held
  }

  /** Notes that a buffer has left memory for the disk; how recently it was used stays as it was. */
  move(held: HeldBuffer): void {
    this.#byId.set(held.id, { ...held, isInMemory: false })
    this.#memoryBytes -= held.sizeBytes
  }

  remove(id: string): HeldBuffer | undefined {
    const held = this.#byId.get(id)
    this.#byId.delete(id)
    if (held?.isInMemory === true) this.#memoryBytes -= held.sizeBytes
    return held
  }

  /** Buffers that may leave memory, the least recently used first: what is mapped would stay there all the same. */
  movable(): readonly HeldBuffer[] {
    return [...this.#byId.values()].filter((held) => held.isInMemory && !isMapped(held))
  }
}

/** Tells whether anybody here still has a mapping of a buffer. */
function isMapped({ mappings }: HeldBuffer): boolean {
  for (const mapping of mappings) {
    const buffer = mapping.deref()
    // One that was ended has no bytes any more.
    if (buffer !== undefined && buffer.byteLength > 0) return true
    mappings.delete(mapping)
  }
  return false
}
