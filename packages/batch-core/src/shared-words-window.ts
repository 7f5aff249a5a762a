import { ClosedError } from './errors.ts'
import type { SharedWindow, WordParking } from './shared-window.ts'
import { checkInt32, checkWordBlock, checkWordIndex, checkWordValues } from './window-checks.ts'

/** A window over words that all members reach directly: every operation is one instruction of `Atomics`. */
export class SharedWordsWindow implements SharedWindow {
  readonly length: number
  readonly parking: WordParking | undefined
  readonly #words: Int32Array
  readonly #meet: () => Promise<void>
  #closing: Promise<void> | undefined

  /** @param meet - Collective: resolves when all members have called it, so that all have closed the window. */
  constructor(words: Int32Array, meet: () => Promise<void>, parking?: WordParking) {
    this.length = words.length
    this.parking = parking
    this.#words = words
    this.#meet = meet
  }

  get words(): Int32Array {
    if (this.#closing !== undefined) {
      throw new ClosedError('This window was closed. Use it before close, or create another one.')
    }
    return this.#words
  }

  async load(index: number): Promise<number> {
    return Atomics.load(this.words, this.#check(index))
  }

  async store(index: number, value: number): Promise<void> {
    Atomics.store(this.words, this.#check(index), checkInt32(value))
  }

  async fetchAdd(index: number, value: number): Promise<number> {
    return Atomics.add(this.words, this.#check(index), checkInt32(value))
  }

  async exchange(index: number, value: number): Promise<number> {
    return Atomics.exchange(this.words, this.#check(index), checkInt32(value))
  }

  async compareExchange(index: number, expected: number, replacement: number): Promise<number> {
    return Atomics.compareExchange(
      this.words,
      this.#check(index),
      checkInt32(expected),
      checkInt32(replacement),
    )
  }

  async read(index: number, count: number): Promise<Int32Array> {
    const { words } = this
    checkWordBlock(index, count, this.length)
    const values = new Int32Array(count)
    for (let offset = 0; offset < count; offset += 1) values[offset] = Atomics.load(words, index + offset)
    return values
  }

  async write(index: number, values: Int32Array): Promise<void> {
    const { words } = this
    checkWordBlock(index, checkWordValues(values).length, this.length)
    for (const [offset, value] of values.entries()) Atomics.store(words, index + offset, value)
  }

  async accumulate(index: number, values: Int32Array): Promise<void> {
    const { words } = this
    checkWordBlock(index, checkWordValues(values).length, this.length)
    for (const [offset, value] of values.entries()) Atomics.add(words, index + offset, value)
  }

  /** Frees the window. Collective; a second call returns the promise of the first. */
  close(): Promise<void> {
    this.#closing ??= this.#meet()
    return this.#closing
  }

  #check(index: number): number {
    return checkWordIndex(index, this.length)
  }
}
