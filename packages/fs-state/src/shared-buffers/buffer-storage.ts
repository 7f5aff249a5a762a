/**
 * The files of one holder: which are in memory and which on the disk, and when they go there.
 *
 * A buffer goes from memory to the disk and never back: mapped from there, its pages are in the memory that the kernel
 * keeps of files, shared by all who map it, and as quick. So a holder has it on the disk before it is gone from memory,
 * and whoever looks first there and then here finds it. Calls don't overlap.
 */
import { closeSync, existsSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { BufferGoneError, invariant, SharedMemoryError } from '@mpibatch/batch-core'
import { codeOf } from '../io-error.ts'
import { copyBuffer, ioError, openBuffer, writeBuffer } from './buffer-files.ts'
import { type BufferPlace, linkFromHolders, removePlace } from './buffer-place.ts'
import type { BufferReference } from './buffer-reference.ts'
import { type HeldBuffer, HeldBuffers } from './held-buffers.ts'
import type { SpillDirectory } from './spill-directory.ts'

/** Times that all holders are asked: one may have let a buffer go to another that was asked before. */
const SEARCHES_MAX = 3

/** See the top of this file. */
export class BufferStorage {
  readonly #memory: BufferPlace
  readonly #spill: SpillDirectory
  readonly #budgetBytes: number
  readonly #held = new HeldBuffers()

  /** @param budgetBytes - Infinity if there is none. */
  constructor(memory: BufferPlace, spill: SpillDirectory, budgetBytes: number) {
    this.#memory = memory
    this.#spill = spill
    this.#budgetBytes = budgetBytes
  }

  /** Bytes that this holder keeps in memory. */
  get memoryBytes(): number {
    return this.#held.memoryBytes
  }

  /**
   * Keeps a new buffer: in memory, or on the disk if there is no room.
   *
   * @throws {@link SharedMemoryError} if there is no room anywhere.
   */
  async add(id: string, values: ArrayBufferView): Promise<void> {
    const sizeBytes = values.byteLength
    if (await this.#makeRoom(sizeBytes)) {
      const isWritten = await this.#write(this.#memory, id, values)
      if (isWritten) this.#held.add(id, sizeBytes, true)
      if (isWritten) return
    }
    if (this.#spill.place === undefined) throw this.#fullError(sizeBytes, this.#spill.fault)
    const place = await this.#spill.open()
    if (!(await this.#write(place, id, values)))
      throw this.#fullError(sizeBytes, `${place.base} is full too.`)
    this.#held.add(id, sizeBytes, false)
  }

  /**
   * Holds a buffer that this or another holder has.
   *
   * @throws {@link BufferGoneError} if nobody has it.
   */
  async take(reference: BufferReference): Promise<HeldBuffer> {
    const { id, sizeBytes } = reference
    for (let tried = 0; tried < SEARCHES_MAX; tried += 1) {
      const held = this.#held.use(id)
      if (held !== undefined) return held
      if (await this.#takeFrom(this.#memory, reference)) return this.#held.add(id, sizeBytes, true)
      const { place } = this.#spill
      // Where nobody has put anything there is nothing to be found.
      if (place === undefined || !existsSync(place.root)) continue
      if (await this.#takeFrom(await this.#spill.open(), reference))
        return this.#held.add(id, sizeBytes, false)
    }
    throw new BufferGoneError(
      `Nobody on this machine holds the shared buffer ${id} any more. Its holders have let it go or ended before this one had it: hold it until the other has it. Or they use another directory than ${this.#memory.base}.`,
      { details: { id, holder: reference.holder, directory: this.#memory.base } },
    )
  }

  /** Opens the file of a held buffer. */
  open(held: HeldBuffer): number {
    return openBuffer(this.#pathOf(held), held.sizeBytes)
  }

  /** Lets a buffer go; does nothing if it is not held. */
  release(id: string): void {
    const held = this.#held.remove(id)
    if (held !== undefined) rmSync(this.#pathOf(held), { force: true })
  }

  /**
   * Moves buffers to the disk until the budget is kept, or all that is left is mapped. Where the disk is full, what was
   * just held stays nevertheless: it takes no more memory for that. The next {@link add} tells of it.
   */
  async keepBudget(): Promise<void> {
    while (this.#held.memoryBytes > this.#budgetBytes) {
      const [least] = this.#held.movable()
      if (least === undefined) return
      try {
        await this.#moveToDisk(least)
      } catch {
        return
      }
    }
  }

  /** Lets everything go. @returns Whether all is removed; what is mapped may stay until it is not. */
  removeAll(): boolean {
    const places = [this.#memory, ...(this.#spill.place === undefined ? [] : [this.#spill.place])]
    return places.map(removePlace).every((isRemoved) => isRemoved)
  }

  /** Moves buffers to the disk until so many bytes fit into memory. @returns Whether it is worth trying. */
  async #makeRoom(sizeBytes: number): Promise<boolean> {
    if (this.#spill.place === undefined) return true
    for (;;) {
      const overBudget = this.#held.memoryBytes + sizeBytes - this.#budgetBytes
      const missing = Math.max(overBudget, sizeBytes - freeBytes(this.#memory))
      if (missing <= 0) return true
      const movable = this.#held.movable()
      const [least] = movable
      if (least === undefined || missing > movable.reduce((sum, held) => sum + held.sizeBytes, 0))
        return false
      await this.#moveToDisk(least)
    }
  }

  async #moveToDisk(held: HeldBuffer): Promise<void> {
    const place = await this.#spill.open()
    const path = join(place.own, held.id)
    try {
      // Another holder may have moved it there before.
      if (!linkFromHolders(place, held.id, path)) await copyBuffer(this.#pathOf(held), path)
    } catch (error) {
      if (isFull(error)) throw this.#fullError(held.sizeBytes, `${place.base} is full too.`)
      throw ioError('move', path, error)
    }
    rmSync(this.#pathOf(held))
    this.#held.move(held)
  }

  /** @returns Whether there was room. */
  async #write(place: BufferPlace, id: string, values: ArrayBufferView): Promise<boolean> {
    const path = join(place.own, id)
    try {
      await writeBuffer(path, values)
      return true
    } catch (error) {
      if (isFull(error)) return false
      throw ioError('write', path, error)
    }
  }

  async #takeFrom(place: BufferPlace, { id, holder, sizeBytes }: BufferReference): Promise<boolean> {
    const path = join(place.own, id)
    try {
      if (!linkFromHolders(place, id, path, holder)) return false
    } catch (error) {
      throw ioError('hold', path, error)
    }
    try {
      closeSync(openBuffer(path, sizeBytes))
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
    return true
  }

  #pathOf({ id, isInMemory }: HeldBuffer): string {
    const place = isInMemory ? this.#memory : this.#spill.place
    invariant(place !== undefined, 'what is on the disk has a place there')
    return join(place.own, id)
  }

  #fullError(sizeBytes: number, otherwise: string): SharedMemoryError {
    const { base } = this.#memory
    return new SharedMemoryError(
      `A shared buffer of ${sizeBytes} bytes has no room in ${base}. ${otherwise} Release buffers that are not needed, or give larger directories as "directory" and "spillDirectory".`,
      { details: { directory: base, sizeBytes, code: 'ENOSPC' } },
    )
  }
}

/** Memory disks without a limit say that they have no blocks at all. */
function freeBytes({ base }: BufferPlace): number {
  const { blocks, bavail, bsize } = statfsSync(base)
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
}

function isFull(error: unknown): boolean {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
}
