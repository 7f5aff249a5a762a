/** Random numbers that come back with their seed. */
export class RandomSource {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param stream - Tells sources of one seed from each other. */
  constructor(seed: number, stream = 0) {
    this.#a = 0x9e3779b9 ^ seed
    this.#b = 0x243f6a88 ^ stream
    this.#c = Math.floor(seed / 2 ** 32) ^ 0xb7e15162
    for (let round = 0; round < 12; round += 1) this.#next()
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor((this.#next() / 2 ** 32) * count)
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return percent > 0 && this.#next() < percent * 42_949_672.96
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** sfc32 by Chris Doty-Humphrey: small, fast, and without the patterns of a linear congruence. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}
