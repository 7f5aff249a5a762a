import { STOP_NONE } from './runtime.ts'

/** Longest time in milliseconds until a wait notices that a stop was asked for through shared memory. */
const POLL_MS = 100

/** Tells a batch to start nothing more: by an AbortSignal, or by a word that a launcher shares with its ranks. */
export class StopRequest {
  readonly #signal: AbortSignal | undefined
  readonly #word: Int32Array | undefined

  constructor(sources: {
    readonly signal?: AbortSignal | undefined
    readonly word?: Int32Array | undefined
  }) {
    this.#signal = sources.signal
    this.#word = sources.word
  }

  /** The same request, which the abort of this signal makes too. */
  or(signal: AbortSignal): StopRequest {
    const any = this.#signal === undefined ? signal : AbortSignal.any([this.#signal, signal])
    return new StopRequest({ signal: any, word: this.#word })
  }

  /** Whether a stop was asked for. */
  get requested(): boolean {
    if (this.#signal?.aborted === true) return true
    return this.#word !== undefined && Atomics.load(this.#word, 0) !== STOP_NONE
  }

  /**
   * Waits until the time is over or a stop is asked for.
   *
   * @param event - Ends the wait as well, if it resolves before.
   */
  async wait(durationMs: number, event?: Promise<void>): Promise<void> {
    const end = performance.now() + durationMs
    let over = false
    const noted = event?.then(() => {
      over = true
    })
    while (!this.requested && !over) {
      const leftMs = end - performance.now()
      if (leftMs <= 0) return
      await this.#pause(this.#word === undefined ? leftMs : Math.min(leftMs, POLL_MS), noted)
    }
  }

  #pause(durationMs: number, event: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        this.#signal?.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, durationMs)
      this.#signal?.addEventListener('abort', finish)
      void event?.then(finish)
    })
  }
}
