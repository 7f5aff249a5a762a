import { availableParallelism, cpus } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Communicator } from './communicator.ts'
import type { SharedWindow } from './shared-window.ts'

/** Word with the last place of the queue: rank + 1, or 0 when nobody has the token. */
const WORD_TAIL = 0
const TAG_TOKEN = 0
const TAG_NEXT = 1

/** The queue of ranks behind one token, one place per rank (Mellor-Crummey and Scott 1991). */
export interface TokenQueue {
  /** Takes the last place and resolves when the token is here. The rank must have no place. */
  enter(): Promise<void>
  /** Passes the token to the next place, or leaves it free. The rank must have the token. */
  leave(): Promise<void>
  /** Frees the queue; nobody may have a place. Collective. */
  close(): Promise<void>
}

/** Makes the queue over a communicator that nothing else uses. Collective. */
export async function createTokenQueue(communicator: Communicator): Promise<TokenQueue> {
  const window = await communicator.createWindow({ length: WordsTokenQueue.wordCount(communicator.size) })
  return window.words === undefined
    ? new MessageTokenQueue(communicator, window)
    : new WordsTokenQueue(communicator, window, window.words)
}

/** For ranks that don't share memory: one atomic swap in the window, then messages only. */
class MessageTokenQueue implements TokenQueue {
  readonly #communicator: Communicator
  readonly #window: SharedWindow
  readonly #own: number

  constructor(communicator: Communicator, window: SharedWindow) {
    this.#communicator = communicator
    this.#window = window
    this.#own = communicator.rank + 1
  }

  async enter(): Promise<void> {
    const before = await this.#window.exchange(WORD_TAIL, this.#own)
    if (before === 0) return
    await this.#communicator.send(undefined, { destination: before - 1, tag: TAG_NEXT })
    await this.#communicator.receive({ source: before - 1, tag: TAG_TOKEN })
  }

  async leave(): Promise<void> {
    const last = await this.#window.compareExchange(WORD_TAIL, this.#own, 0)
    if (last === this.#own) return
    // Somebody has taken the place behind this one, so the message that says who is on its way.
    const { source } = await this.#communicator.receive({ tag: TAG_NEXT })
    await this.#communicator.send(undefined, { destination: source, tag: TAG_TOKEN })
  }

  close(): Promise<void> {
    return this.#window.close()
  }
}

/** Loads in a row while a successor is between its two steps; after so many it has probably lost its processor. */
const NEXT_LOADS_MAX = 1000
/**
 * Loads in a row before a rank stops watching for the token: some 50 µs, which a hand-over by message takes at least, so that a rank never loses more by watching than it can win.
 */
const TOKEN_LOADS_MAX = 5000

/**
 * How long a rank looks at its word and gives its processor to others between two looks: where ranks are more than
 * processors, the kernel then goes from one to the next as the token does, in a few microseconds. To sleep and to be
 * woken takes ten times as long.
 */
const YIELD_MICROSECONDS = 200
/** How long a rank's thread sleeps on its word at a time: its event loop stands still meanwhile. */
const PARK_MICROSECONDS = 300
/** A rank whose last wait was longer than this waits for a message at once; others sleep on their word for as long. */
const SHORT_WAIT_MS = 10

/** Values of a rank's token word: the rank watches the word, waits for a message, has the token; it sleeps on the word. */
const TOKEN_WATCHED = 1
const TOKEN_BY_MESSAGE = 2
const TOKEN_HERE = 3
const TOKEN_PARKED = 4

/** For ranks that share memory: all steps are `Atomics`; a message only wakes a rank that has waited for long. */
class WordsTokenQueue implements TokenQueue {
  readonly #communicator: Communicator
  readonly #window: SharedWindow
  readonly #words: Int32Array
  readonly #own: number
  readonly #watches: boolean
  #lastWaitMs = 0

  /** The tail, then for each rank who stands behind it (rank + 1, or 0), then for each rank its token word. */
  static wordCount(size: number): number {
    return 1 + 2 * size
  }

  constructor(communicator: Communicator, window: SharedWindow, words: Int32Array) {
    this.#communicator = communicator
    this.#window = window
    this.#words = words
    this.#own = communicator.rank + 1
    this.#watches = haveOwnProcessors(communicator.size)
  }

  async enter(): Promise<void> {
    const words = this.#words
    const before = Atomics.exchange(words, WORD_TAIL, this.#own)
    if (before === 0) {
      this.#lastWaitMs = 0
      return
    }
    const tokenWord = this.#tokenWordOf(this.#own)
    Atomics.store(words, tokenWord, TOKEN_WATCHED)
    Atomics.store(words, nextWordOf(before), this.#own)
    if (this.#watch(tokenWord)) return
    const start = performance.now()
    const isHere = await this.#park(tokenWord, start)
    if (!isHere && Atomics.exchange(words, tokenWord, TOKEN_BY_MESSAGE) !== TOKEN_HERE) {
      await this.#communicator.receive({ source: before - 1, tag: TAG_TOKEN })
    }
    this.#lastWaitMs = performance.now() - start
  }

  async leave(): Promise<void> {
    const words = this.#words
    if (Atomics.compareExchange(words, WORD_TAIL, this.#own, 0) === this.#own) return
    const next = await this.#findNext()
    const tokenWord = this.#tokenWordOf(next)
    const waited = Atomics.exchange(words, tokenWord, TOKEN_HERE)
    if (waited === TOKEN_PARKED) this.#window.parking?.wake(tokenWord)
    if (waited === TOKEN_BY_MESSAGE) {
      await this.#communicator.send(undefined, { destination: next - 1, tag: TAG_TOKEN })
    }
  }

  close(): Promise<void> {
    return this.#window.close()
  }

  /** The place behind this one. Its rank has swapped the tail already and writes its number at once. */
  async #findNext(): Promise<number> {
    for (let loads = 1; ; loads += 1) {
      const next = Atomics.exchange(this.#words, nextWordOf(this.#own), 0)
      if (next !== 0) return next
      if (loads % NEXT_LOADS_MAX === 0) await nextTurn()
    }
  }

  /** Looks at the word for a while. @returns Whether the token came. */
  #watch(tokenWord: number): boolean {
    for (let loads = this.#watches ? TOKEN_LOADS_MAX : 0; loads > 0; loads -= 1) {
      if (Atomics.load(this.#words, tokenWord) === TOKEN_HERE) return true
    }
    return false
  }

  /** Looks at the word and then sleeps on it, where that can be and may pay. @returns Whether the token came. */
  async #park(tokenWord: number, start: number): Promise<boolean> {
    const { parking } = this.#window
    if (parking === undefined || this.#lastWaitMs > SHORT_WAIT_MS) return false
    parking.watch(tokenWord, TOKEN_WATCHED, YIELD_MICROSECONDS)
    if (Atomics.compareExchange(this.#words, tokenWord, TOKEN_WATCHED, TOKEN_PARKED) === TOKEN_HERE)
      return true
    for (;;) {
      parking.park(tokenWord, TOKEN_PARKED, PARK_MICROSECONDS)
      if (Atomics.load(this.#words, tokenWord) === TOKEN_HERE) return true
      if (performance.now() - start > SHORT_WAIT_MS) return false
      await nextTurn()
    }
  }

  #tokenWordOf(place: number): number {
    return nextWordOf(place) + this.#communicator.size
  }
}

/**
 * Whether a rank that watches takes no processor from the holder: there are enough, or this rank may use only some of the
 * machine's, as launchers that bind ranks give each its own.
 */
function haveOwnProcessors(rankCount: number): boolean {
  const usable = availableParallelism()
  return rankCount <= usable || usable < cpus().length
}

function nextWordOf(place: number): number {
  return WORD_TAIL + place
}
