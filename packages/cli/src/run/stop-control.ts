import { EXIT_CODE } from '../exit-code.ts'

/** The signals that drain a run at first, and end it when they come again. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const

/** What asked a run to stop. */
export type StopCause = (typeof SIGNALS)[number] | 'halt' | 'error'

/** How far a run can be asked to stop, from the least. */
export const STAGES = ['drain', 'interrupt', 'kill'] as const
/** One of {@link STAGES}. */
export type StopStage = (typeof STAGES)[number]

/**
 * How far a run has been asked to stop: drain (start nothing more), interrupt (end the tasks, give their claims back),
 * kill (end them at once). A stage includes those before it and is never taken back.
 */
export class StopControl {
  readonly #drain = new AbortController()
  readonly #interrupt = new AbortController()
  readonly #kill = new AbortController()
  readonly #onMessage: (text: string) => void
  readonly #isSupervised: boolean
  readonly #causes = new Map<StopStage, StopCause>()
  /** Signals that came to this process, and whether another rank was asked to stop by one. */
  #signalCount = 0
  #isSharedSignal = false
  #handlers: [NodeJS.Signals, () => void][] = []

  /**
   * @param onMessage - Hears what signals lead to.
   * @param options.supervised - Whether signals come from a supervisor, which has been told of another one.
   *   @defaultValue false
   */
  constructor(onMessage: (text: string) => void, options: { readonly supervised?: boolean } = {}) {
    this.#onMessage = onMessage
    this.#isSupervised = options.supervised ?? false
  }

  /** Aborted when nothing more is to start. */
  get drain(): AbortSignal {
    return this.#drain.signal
  }

  /** Aborted when running tasks are to be ended and given back. */
  get interrupt(): AbortSignal {
    return this.#interrupt.signal
  }

  /** Aborted when running tasks are to be ended without grace. */
  get kill(): AbortSignal {
    return this.#kill.signal
  }

  /** What asked first; `undefined` if nothing has. */
  get cause(): StopCause | undefined {
    return this.causeOf('drain')
  }

  /** What asked first for a stage, or for one behind it; `undefined` if nothing has. */
  causeOf(stage: StopStage): StopCause | undefined {
    return this.#causes.get(stage)
  }

  /** Exit code of a run that a signal stopped before its end; `undefined` if no signal did. */
  get exitCode(): number | undefined {
    const { cause } = this
    if (cause === 'SIGINT') return EXIT_CODE.interrupted
    if (cause === 'SIGTERM' || cause === 'SIGUSR1') return EXIT_CODE.terminated
    return undefined
  }

  /** Finishes what runs, starts nothing. */
  requestDrain(cause: StopCause): void {
    this.#note('drain', cause)
    this.#drain.abort()
  }

  /** Ends what runs, and gives the claims back. */
  requestInterrupt(cause: StopCause): void {
    this.requestDrain(cause)
    this.#note('interrupt', cause)
    this.#interrupt.abort()
  }

  /** Ends what runs at once, without grace. */
  requestKill(cause: StopCause): void {
    this.requestInterrupt(cause)
    this.#note('kill', cause)
    this.#kill.abort()
  }

  /** Obeys what another rank of the run was asked to. */
  hear(stage: StopStage, cause: StopCause): void {
    const wanted = STAGES.indexOf(stage) + 1
    const isNews = wanted > this.#stage
    const isSignal = cause !== 'halt' && cause !== 'error'
    if (isSignal) this.#isSharedSignal = true
    this.#request(stage, cause)
    if (isNews && isSignal) this.#tell(stage, cause)
  }

  /** Listens to signals until {@link StopControl.ignoreSignals}. Idempotent. */
  listenToSignals(): void {
    if (this.#handlers.length > 0) return
    for (const signal of SIGNALS) {
      const handler = (): void => this.#onSignal(signal)
      process.on(signal, handler)
      this.#handlers.push([signal, handler])
    }
  }

  /** Gives the signals back to whoever had them before. */
  ignoreSignals(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
    this.#handlers = []
  }

  #onSignal(signal: (typeof SIGNALS)[number]): void {
    this.#signalCount += 1
    // A launcher sends one signal to all ranks: what another rank has told of may be the one that comes here now.
    const wanted = this.#isSharedSignal ? this.#signalCount : this.#stage + 1
    if (wanted <= this.#stage) return
    const stage = STAGES[wanted - 1] ?? 'kill'
    this.#request(stage, signal)
    this.#tell(stage, signal)
  }

  #request(stage: StopStage, cause: StopCause): void {
    if (stage === 'drain') this.requestDrain(cause)
    else if (stage === 'interrupt') this.requestInterrupt(cause)
    else this.requestKill(cause)
  }

  #note(stage: StopStage, cause: StopCause): void {
    if (!this.#causes.has(stage)) this.#causes.set(stage, cause)
  }

  #tell(stage: StopStage, signal: string): void {
    const name = this.#isSupervised ? 'Stop' : signal === 'SIGINT' ? 'Ctrl-C' : signal
    if (stage === 'drain') {
      this.#onMessage(
        `${name}: finishing what runs, starting nothing more. Once more ends the running tasks.`,
      )
    } else if (stage === 'interrupt') {
      this.#onMessage(`${name}: ending the running tasks and giving them back.`)
    }
  }

  /** How many stages it has come to. */
  get #stage(): number {
    return STAGES.filter((stage) => this[stage].aborted).length
  }
}
