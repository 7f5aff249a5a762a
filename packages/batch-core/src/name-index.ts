/**
 * Finds where a name stands in a list, without keeping the names: a table of positions by open addressing, in 12 to 20
 * bytes a name. A `Map` of a million names takes a hundred megabytes.
 */

/** Places of the table at first; always a power of two. */
const PLACES_MIN = 16

/** See the top of this file. Positions count from 0, in the order in which names are added. */
export class NameIndex {
  readonly #nameOf: (index: number) => string
  /** Begins every hash, so that nobody can make a list whose names all have the same. */
  readonly #seed = Math.trunc(Math.random() * 0x100000000)
  /** Position of a name, counted from 1; 0 where there is none. */
  #places: Int32Array
  /** Hash of each name, by position. */
  #hashes: Int32Array
  #count = 0

  /**
   * @param nameOf - Gives the name at a position again.
   * @param expectedCount - How many names there will be, as far as that is known.
   */
  constructor(nameOf: (index: number) => string, expectedCount = 0) {
    let size = PLACES_MIN
    while (size < 2 * expectedCount) size *= 2
    this.#nameOf = nameOf
    this.#places = new Int32Array(size)
    this.#hashes = new Int32Array(size / 2)
  }

  /** The index of so many names; of those that are alike it finds the last. */
  static of(count: number, nameOf: (index: number) => string): NameIndex {
    const index = new NameIndex(nameOf, count)
    for (let position = 0; position < count; position += 1) index.add(nameOf(position))
    return index
  }

  /** Number of names. */
  get count(): number {
    return this.#count
  }

  /** The name at a position; empty if there is none. */
  nameOf(index: number): string {
    return this.#nameOf(index)
  }

  /** Position of a name; `undefined` if it is not there. */
  indexOf(name: string): number | undefined {
    const place = this.#places[this.#findPlace(name, this.#hash(name))] ?? 0
    return place === 0 ? undefined : place - 1
  }

  /**
   * Adds the next name.
   *
   * @returns Whether no other name is the same.
   */
  add(name: string): boolean {
    if (2 * (this.#count + 1) > this.#places.length) this.#grow()
    const hash = this.#hash(name)
    const at = this.#findPlace(name, hash)
    const isNew = this.#places[at] === 0
    this.#hashes[this.#count] = hash
    this.#count += 1
    this.#places[at] = this.#count
    return isNew
  }

  /** The place of a name, or the free one where it belongs. */
  #findPlace(name: string, hash: number): number {
    const mask = this.#places.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const position = (this.#places[at] ?? 0) - 1
      if (position < 0) return at
      if (this.#hashes[position] === hash && this.#nameOf(position) === name) return at
    }
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Int32Array(2 * before.length)
    const hashes = new Int32Array(before.length)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const mask = this.#places.length - 1
    for (const place of before) {
      if (place === 0) continue
      let at = (hashes[place - 1] ?? 0) & mask
      while (this.#places[at] !== 0) at = (at + 1) & mask
      this.#places[at] = place
    }
  }

  /** FNV-1a over the characters, and the mixing that ends MurmurHash3, since only the low bits choose a place. */
  #hash(name: string): number {
    let hash = this.#seed
    for (let index = 0; index < name.length; index += 1)
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }
}

/** A list of things with names; an array is one. */
export interface NamedList {
  readonly length: number
  at(index: number): { readonly name: string } | undefined
}
