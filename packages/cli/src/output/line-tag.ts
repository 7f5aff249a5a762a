const NEWLINE = 0x0a

/** Puts a text before each line of what comes in pieces, whatever its bytes are. */
export class LineTag {
  readonly #tag: Buffer
  #isAtStart = true

  constructor(tag: string) {
    this.#tag = Buffer.from(tag)
  }

  /** The next piece, with its tags. */
  put(piece: Buffer): Buffer {
    const parts: Buffer[] = []
    for (let start = 0; start < piece.length; ) {
      const newline = piece.indexOf(NEWLINE, start)
      const end = newline < 0 ? piece.length : newline + 1
      if (this.#isAtStart) parts.push(this.#tag)
      parts.push(piece.subarray(start, end))
      this.#isAtStart = newline >= 0
      start = end
    }
    return Buffer.concat(parts)
  }

  /** What ends the last line, if nothing has. */
  end(): Buffer {
    return this.#isAtStart ? Buffer.alloc(0) : Buffer.of(NEWLINE)
  }
}
