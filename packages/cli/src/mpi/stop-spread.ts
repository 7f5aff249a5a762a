/**
 * Spreads over all ranks how far the run has been asked to stop, whichever rank was asked: by a signal, because enough
 * tasks failed, or because its store did: then the others only start nothing more.
 *
 * Each rank tells rank 0, and rank 0 tells all others. What has been told is never told again, so a signal that a
 * launcher sends to every rank costs two messages a rank. Messages are looked for now and then: a wait for them would
 * keep a job script's process alive when the script has ended.
 */
import { type Communicator, TimeoutError } from '@mpibatch/batch-core'
import { STAGES, type StopCause, type StopControl, type StopStage } from '../run/stop-control.ts'

/** A rank was asked to stop. */
interface StopWord {
  readonly stage: StopStage
  readonly cause: StopCause
}

const LOOK_MS = 50

/** See the top of this file. */
export class StopSpread {
  readonly #communicator: Communicator
  readonly #stop: StopControl
  readonly #timer: NodeJS.Timeout
  #looking: Promise<void> = Promise.resolve()
  #isLooking = false
  #closed = false

  /** Begins; not collective. @param communicator - Used for nothing else. */
  constructor(communicator: Communicator, stop: StopControl) {
    this.#communicator = communicator
    this.#stop = stop
    for (const stage of STAGES) {
      const tell = (): void => void this.#tell(stage)
      if (stop[stage].aborted) tell()
      else stop[stage].addEventListener('abort', tell, { once: true })
    }
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** Ends it, on each rank when none can be asked any more what the others should know. Not collective. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#looking
  }

  async #tell(stage: StopStage): Promise<void> {
    const { rank, size } = this.#communicator
    const cause = this.#stop.causeOf(stage) ?? 'error'
    // What one rank has lost, its lease or its disk, the others have still: they finish what they run.
    if (cause === 'error' && stage !== 'drain') return
    const word: StopWord = { stage, cause }
    const others = rank > 0 ? [0] : Array.from({ length: size - 1 }, (_, index) => index + 1)
    if (this.#closed) return
    await Promise.all(others.map((destination) => this.#communicator.send(word, { destination }))).catch(
      // Ranks that are lost need no telling; whoever notices the loss ends the job.
      () => undefined,
    )
  }

  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#looking = this.#hear().finally(() => {
      this.#isLooking = false
    })
  }

  /** Obeys all that has come. */
  async #hear(): Promise<void> {
    for (;;) {
      const word = await this.#communicator.receive<StopWord>({ timeoutMs: 0 }).catch((error: unknown) => {
        if (error instanceof TimeoutError || this.#closed) return undefined
        throw error
      })
      if (word === undefined) return
      this.#stop.hear(word.data.stage, word.data.cause)
    }
  }
}
