/** How long after Slurm's signal a TERM is its own, at the end of the time; one that comes earlier cancels the job. */
const SIGNAL_EARLY_SECONDS = 60

/** Watches, to the end of the process, the signals that come to a job; its run obeys them by itself. */
export class JobWatch {
  readonly #drainSeconds: number
  /** When Slurm's signal came, by a monotonic clock. */
  #drainedAtMs: number | undefined
  #isCancelled = false

  /** @param drainSeconds - How long before the end of the job Slurm's signal comes. */
  constructor(drainSeconds: number) {
    this.#drainSeconds = drainSeconds
    process.on('SIGUSR1', () => this.#onDrain())
    process.on('SIGTERM', () => this.#onEnd())
    process.on('SIGINT', () => this.#onEnd())
  }

  /** Whether Slurm's signal has come. */
  get isDrained(): boolean {
    return this.#drainedAtMs !== undefined
  }

  /** Whether TERM or INT came before it, or long before the end of the job. */
  get isCancelled(): boolean {
    return this.#isCancelled
  }

  #onDrain(): void {
    this.#drainedAtMs ??= performance.now()
  }

  #onEnd(): void {
    const secondsSince = (performance.now() - (this.#drainedAtMs ?? Number.POSITIVE_INFINITY)) / 1000
    // Slurm sends USR1 up to a minute before its time, and TERM when the time is over.
    const isTimely =
      secondsSince >= Math.min(this.#drainSeconds, Math.max(this.#drainSeconds - SIGNAL_EARLY_SECONDS, 1))
    if (!isTimely) this.#isCancelled = true
  }
}
