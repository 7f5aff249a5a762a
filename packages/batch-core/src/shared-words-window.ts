import { ClosedError, UsageError } from './errors.ts'
import type { SharedWindow } from './shared-window.ts'

/** A window over words that all members reach directly: every operation is one instruction of `Atomics`. */
export class SharedWordsWindow implements SharedWindow {
  readonly length: number
  readonly #words: Int32Array
  readonly #meet: () => Promise<void>
  #closing: Promise<void> | undefined

  /** @param meet - Collective: resolves when all members have called it, so that all have closed the window. */
  constructor(words: Int32Array, meet: () => Promise<void>) {
    this.length = words.length
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

  /** Frees the window. Collective; a second call returns the promise of the first. */
  close(): Promise<void> {
    this.#closing ??= this.#meet()
    return this.#closing
  }

  #check(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index
    throw new UsageError(`The window has no word ${index}; its words count from 0 to ${this.length - 1}.`, {
      details: { index, length: this.length },
    })
  }
}

function checkInt32(value: number): number {
  if ((value | 0) === value) return value
  throw new UsageError(`${value} is no Int32. A window's words hold integers from -2147483648 to 2147483647.`)
}
