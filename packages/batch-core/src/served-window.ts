import { ClosedError } from './errors.ts'
import type { SharedWindow } from './shared-window.ts'
import type { RemoteWords } from './transport-memory.ts'
import { checkInt32, checkWordBlock, checkWordIndex, checkWordValues } from './window-checks.ts'

/** A window whose words lie in memory of another node: every operation is a message that the owner's process answers. */
export class ServedWindow implements SharedWindow {
  readonly length: number
  /** Out of reach for at least one member, so nobody works on them directly. */
  readonly words = undefined
  readonly #remote: RemoteWords
  readonly #free: () => Promise<void>
  #closing: Promise<void> | undefined

  /** @param free - Collective: frees the memory when all members have called it. */
  constructor(length: number, remote: RemoteWords, free: () => Promise<void>) {
    this.length = length
    this.#remote = remote
    this.#free = free
  }

  async load(index: number): Promise<number> {
    return await this.#open().operate('load', this.#check(index), { value: 0, expected: 0 })
  }

  async store(index: number, value: number): Promise<void> {
    await this.#open().operate('store', this.#check(index), { value: checkInt32(value), expected: 0 })
  }

  async fetchAdd(index: number, value: number): Promise<number> {
    return await this.#open().operate('fetchAdd', this.#check(index), {
      value: checkInt32(value),
      expected: 0,
    })
  }

  async exchange(index: number, value: number): Promise<number> {
    return await this.#open().operate('exchange', this.#check(index), {
      value: checkInt32(value),
      expected: 0,
    })
  }

  async compareExchange(index: number, expected: number, replacement: number): Promise<number> {
    const values = { value: checkInt32(replacement), expected: checkInt32(expected) }
    return await this.#open().operate('compareExchange', this.#check(index), values)
  }

  async read(index: number, count: number): Promise<Int32Array> {
    checkWordBlock(index, count, this.length)
    return await this.#open().read(index, count)
  }

  async write(index: number, values: Int32Array): Promise<void> {
    checkWordBlock(index, checkWordValues(values).length, this.length)
    await this.#open().write(index, values)
  }

  async accumulate(index: number, values: Int32Array): Promise<void> {
    checkWordBlock(index, checkWordValues(values).length, this.length)
    await this.#open().accumulate(index, values)
  }

  /** Frees the window. Collective; a second call returns the promise of the first. */
  close(): Promise<void> {
    this.#closing ??= this.#free()
    return this.#closing
  }

  #check(index: number): number {
    return checkWordIndex(index, this.length)
  }

  #open(): RemoteWords {
    if (this.#closing === undefined) return this.#remote
    throw new ClosedError('This window was closed. Use it before close, or create another one.')
  }
}
