/**
 * The order in which chunks pass through their ordered sections, over words that all ranks reach.
 *
 * A chunk has passed when its last item has left its ordered section, or has ended without one. Chunk c may enter when all
 * chunks before it have passed. Each chunk has one word, where those who complete it meet the one that waits behind it:
 *
 * - who wants to enter chunk c leaves its rank in the word of chunk c - 1, unless that is complete, and waits for a message;
 * - a chunk c that passed and did not wait says so in the word of chunk c - 1, unless that is complete;
 * - who completes a chunk (it and all before it have passed) marks its word. If a rank stands there it is sent a message;
 *   if the chunk behind has passed, that is complete now too, and so on.
 *
 * So a chunk costs one or two atomic operations, nobody looks at a word twice, and what never enters holds nobody up.
 */
import type { Communicator } from './communicator.ts'
import type { SharedWindow } from './shared-window.ts'

/** Values of a chunk's word, beside rank + 1 of who waits to enter the chunk behind it. */
const NOTHING = 0
const COMPLETE = -1
const NEXT_PASSED = -2

/** Says that a rank may enter a chunk. One for a map that was stopped may come late, so it says which it is for. */
interface Turn {
  readonly map: number
  readonly chunk: number
}

/** What {@link MapTurns} needs. */
export interface MapTurnsOptions {
  /** Carries the messages. */
  readonly communicator: Communicator
  readonly tag: number
  /** Has the chunks' words, all 0 at first. */
  readonly window: SharedWindow
  /** Word of chunk 0. */
  readonly firstWord: number
  readonly chunkCount: number
  /** Number of this map among those of its pool. */
  readonly map: number
}

/** See the top of this file. One per rank and map. */
export class MapTurns {
  readonly #options: MapTurnsOptions

  constructor(options: MapTurnsOptions) {
    this.#options = options
  }

  /**
   * Waits until all chunks before this one have passed.
   *
   * @throws The signal's reason when it aborts.
   */
  async enter(chunk: number, signal: AbortSignal): Promise<void> {
    if (chunk === 0) return
    const { communicator, tag, window, map } = this.#options
    const own = communicator.rank + 1
    const before = await window.compareExchange(this.#wordOf(chunk - 1), NOTHING, own)
    if (before === COMPLETE) return
    for (;;) {
      const { data } = await communicator.receive<Turn>({ tag, signal })
      if (data.map === map && data.chunk === chunk) return
    }
  }

  /**
   * Says that a chunk has passed. At most once for each.
   *
   * @param hasEntered - Whether this rank waited until all chunks before it had passed.
   */
  async pass(chunk: number, hasEntered: boolean): Promise<void> {
    const { communicator, tag, window, chunkCount, map } = this.#options
    if (!hasEntered && chunk > 0) {
      const before = await window.compareExchange(this.#wordOf(chunk - 1), NOTHING, NEXT_PASSED)
      if (before !== COMPLETE) return
    }
    for (let complete = chunk; complete < chunkCount - 1; complete += 1) {
      const found = await window.exchange(this.#wordOf(complete), COMPLETE)
      if (found === NOTHING) return
      if (found === NEXT_PASSED) continue
      const turn: Turn = { map, chunk: complete + 1 }
      await communicator.send(turn, { destination: found - 1, tag })
      return
    }
  }

  #wordOf(chunk: number): number {
    return this.#options.firstWord + chunk
  }
}
