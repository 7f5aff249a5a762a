/** What has arrived and was not taken yet, for one taker. */
export class MapInbox<T> {
  readonly #arrived: T[] = []
  #isClosed = false
  #wake: (() => void) | undefined

  /** Whether something is there. */
  get isFilled(): boolean {
    return this.#arrived.length > 0
  }

  push(thing: T): void {
    this.#arrived.push(thing)
    this.#wake?.()
  }

  /** Nothing will come any more. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** Takes the oldest, or waits for one; `undefined` when nothing is left and nothing will come. */
  async take(): Promise<T | undefined> {
    while (this.#arrived.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#arrived.shift()
  }
}
