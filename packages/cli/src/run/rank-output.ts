import type { ThreadOutput } from '@mpibatch/batch-core'

const NEWLINE = 0x0a

/** Puts what ranks print together into whole lines, so that those of several, and a progress bar, don't tear them. */
export class RankOutput {
  readonly #write: (stream: ThreadOutput['stream'], lines: Buffer) => void
  /** What has come of a line that has not ended, by rank and stream. */
  readonly #begun = new Map<string, { readonly stream: ThreadOutput['stream']; readonly pieces: Buffer[] }>()

  /** @param write - Gets one or more whole lines. */
  constructor(write: (stream: ThreadOutput['stream'], lines: Buffer) => void) {
    this.#write = write
  }

  /** Takes a piece of what a rank prints. */
  take({ rank, stream, bytes }: ThreadOutput): void {
    const key = `${rank} ${stream}`
    const { pieces } = this.#begun.get(key) ?? { pieces: [] as Buffer[] }
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end > 0) this.#write(stream, Buffer.concat([...pieces.splice(0), bytes.subarray(0, end)]))
    if (end < bytes.length) pieces.push(bytes.subarray(end))
    this.#begun.set(key, { stream, pieces })
  }

  /** Writes lines that nobody has ended, when all ranks have. */
  end(): void {
    for (const { stream, pieces } of this.#begun.values()) {
      if (pieces.length > 0) this.#write(stream, Buffer.concat([...pieces.splice(0), Buffer.of(NEWLINE)]))
    }
  }
}
