/** Texts in few bytes each: a million strings on the heap take a header and a pointer more than their characters. */
import { roomFor } from './room-for.ts'

/** Bytes and texts that there is room for at first. */
const SIZE_MIN = 1 << 10

/** A list of texts that only grows; positions count from 0. */
export class PackedTexts {
  #bytes: Buffer = Buffer.allocUnsafeSlow(SIZE_MIN)
  /** Where each text begins. */
  #starts: Float64Array = new Float64Array(SIZE_MIN)
  /** 1 for each text that has characters beyond Latin-1, and two bytes for each of its UTF-16 units. */
  #wide: Uint8Array = new Uint8Array(SIZE_MIN)
  #count = 0
  #size = 0

  /** The texts as plain data, for another thread. */
  get data(): { readonly bytes: Uint8Array; readonly starts: Float64Array; readonly wide: Uint8Array } {
    const count = this.#count
    return {
      bytes: new Uint8Array(this.#bytes.subarray(0, this.#size)),
      starts: this.#starts.slice(0, count),
      wide: this.#wide.slice(0, count),
    }
  }

  /** Makes the list of {@link PackedTexts.data} again. */
  static from({ bytes, starts, wide }: PackedTexts['data']): PackedTexts {
    const texts = new PackedTexts()
    texts.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    texts.#starts = starts
    texts.#wide = wide
    texts.#count = starts.length
    texts.#size = bytes.length
    return texts
  }

  /** Number of texts. */
  get length(): number {
    return this.#count
  }

  /** Adds a text; returns its position. */
  add(text: string): number {
    const position = this.#count
    const wide = hasWide(text)
    const size = wide ? 2 * text.length : text.length
    this.#makeRoom(this.#size + size)
    this.#starts[position] = this.#size
    this.#wide[position] = wide ? 1 : 0
    this.#bytes.write(text, this.#size, wide ? 'utf16le' : 'latin1')
    this.#size += size
    this.#count += 1
    return position
  }

  /** The text at a position; empty if there is none. */
  at(position: number): string {
    const start = this.#starts[position]
    if (start === undefined || position >= this.#count) return ''
    const end = position + 1 < this.#count ? this.#starts[position + 1] : this.#size
    return this.#bytes.toString(this.#wide[position] === 1 ? 'utf16le' : 'latin1', start, end)
  }

  #makeRoom(size: number): void {
    if (size > this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(size, Math.ceil(1.5 * this.#bytes.length)))
      this.#bytes.copy(bytes, 0, 0, this.#size)
      this.#bytes = bytes
    }
    this.#starts = roomFor(this.#starts, this.#count)
    this.#wide = roomFor(this.#wide, this.#count)
  }
}

function hasWide(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0xff) return true
  return false
}
