/**
 * The interrupt of a worker group: if any member's signal is aborted, the signals of all members are, a moment later.
 *
 * Members that have signals of their own agree through a word of a window, at which each looks now and then: whoever is
 * interrupted in the middle of a task leaves the others waiting for its messages, and these must hear why.
 */
import type { Communicator } from './communicator.ts'
import type { SharedWindow } from './shared-window.ts'

/** Between two looks at the word, milliseconds. */
const LOOK_MS = 100

/** See the top of this file. */
export class GroupInterrupt {
  readonly #group: Communicator
  readonly #given: AbortSignal | undefined
  /** Where a member that is interrupted writes its rank, counted from 1; only if any member can be. */
  readonly #window: SharedWindow | undefined
  readonly #controller = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()

  /** Begins to listen. Collective over the group; each member may give a signal or none. */
  static async open(group: Communicator, given: AbortSignal | undefined): Promise<GroupInterrupt> {
    const isShared = group.size > 1 && (await group.allreduce(given === undefined ? 0 : 1, 'max')) === 1
    return new GroupInterrupt(group, given, isShared ? await group.createWindow({ length: 1 }) : undefined)
  }

  private constructor(group: Communicator, given: AbortSignal | undefined, window: SharedWindow | undefined) {
    this.#group = group
    this.#given = given
    this.#window = window
    given?.addEventListener('abort', this.#onAbort)
    if (given?.aborted === true) this.#onAbort()
    else if (window !== undefined) this.#lookLater(window)
  }

  /** Aborted with the reason of this member's own signal, or when another member's is. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the members have to agree: there are several, and one has a signal. Equal on all. */
  get isShared(): boolean {
    return this.#window !== undefined
  }

  /** Whether any member is interrupted: the same answer on all. Collective over the group. */
  async isAny(): Promise<boolean> {
    return (await this.#group.allreduce(this.signal.aborted ? 1 : 0, 'max')) === 1
  }

  /** Ends that. Collective over the group. */
  async close(): Promise<void> {
    this.#given?.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#timer)
    await this.#underWay
    clearTimeout(this.#timer)
    await this.#window?.close()
  }

  readonly #onAbort = (): void => {
    clearTimeout(this.#timer)
    const rank = this.#group.rank + 1
    this.#underWay = this.#underWay.then(() => this.#window?.store(0, rank)).catch(ignore)
    this.#controller.abort(this.#given?.reason)
  }

  #lookLater(window: SharedWindow): void {
    this.#timer = setTimeout(() => {
      this.#underWay = this.#look(window).catch(ignore)
    }, LOOK_MS).unref()
  }

  async #look(window: SharedWindow): Promise<void> {
    const rank = await window.load(0)
    if (this.signal.aborted) return
    if (rank === 0) this.#lookLater(window)
    else {
      const message = `Rank ${rank - 1} of this worker group was interrupted.`
      this.#controller.abort(new DOMException(message, 'AbortError'))
    }
  }
}

/** A window that is gone is reported by the calls that need an answer. */
function ignore(): void {}
