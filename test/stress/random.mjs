/** Random numbers that come again with the same seed. */
export class SeededRandom {
  #state

  /** @param {number} seed - Any whole number. */
  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** A number from 0 (included) to 1 (excluded). The generator is mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A number from `least` (included) to `most` (excluded). */
  between(least, most) {
    return least + this.next() * (most - least)
  }

  /** One of several. */
  pick(items) {
    return items[Math.floor(this.next() * items.length)]
  }

  /** A positive number whose mean is `mean`: many small ones, a few large ones. */
  exponential(mean) {
    return -mean * Math.log(1 - this.next())
  }
}
