/** How long after Slurm's signal a TERM is its own, at the end of the time; one that comes earlier cancels the job. */
const SIGNAL_EARLY_SECONDS = 60

/** Watches the signals that come to a job beside those that its run obeys. */
export class JobWatch {
  readonly #startedMs = performance.now()
  readonly #drainSeconds: number
  #drainedAtSeconds: number | undefined
  #isCancelled = false
  readonly #handlers: readonly [NodeJS.Signals, () => void][]

  /** @param drainSeconds - How long before the end of the job Slurm's signal comes. */
  constructor(drainSeconds: number) {
    this.#drainSeconds = drainSeconds
    this.#handlers = [
      ['SIGUSR1', () => this.#onDrain()],
      ['SIGTERM', () => this.#onEnd()],
      ['SIGINT', () => this.#onEnd()],
    ]
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  get drainedAtSeconds(): number | undefined {
    return this.#drainedAtSeconds
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Gives the signals back. */
  stop(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }

  get #seconds(): number {
    return (performance.now() - this.#startedMs) / 1000
  }

  #onDrain(): void {
    this.#drainedAtSeconds ??= this.#seconds
  }

  #onEnd(): void {
    const sinceDrain = this.#seconds - (this.#drainedAtSeconds ?? Number.POSITIVE_INFINITY)
    // Slurm sends USR1 up to a minute before its time, and TERM when the time is over.
    const isTimely =
      sinceDrain >= Math.min(this.#drainSeconds, Math.max(this.#drainSeconds - SIGNAL_EARLY_SECONDS, 1))
    if (!isTimely) this.#isCancelled = true
  }
}
