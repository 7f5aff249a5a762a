import { setTimeout as pause } from 'node:timers/promises'
import { groupRuns, signalGroup } from './process-group.ts'

/** Why a command is ended before it ends itself. */
export type EndCause = 'timeout' | 'interrupted'

/** Longest delay of a timer; beyond it, Node's timers fire at once. */
const TIMER_MS_MAX = 0x7fffffff
/**
 * How long to wait for a killed group to be gone. It has stopped running by then in all but name: what may be left is
 * a process whose memory is being given back, or one inside a system call that can't be broken off.
 */
const SETTLE_MS = 2000
/** The first looks, a moment after each other, are cheap ones; few groups live to see the others. */
const THOROUGH_LOOK_MS = 16
const LOOK_MS_MAX = 200

/** The process group of a command that runs, and the ways to end it: TERM, then KILL when the grace is over. */
export class RunningCommand {
  readonly #processGroup: number
  readonly #graceMs: number
  #cause: EndCause | undefined
  #timeout: NodeJS.Timeout | undefined
  #grace: NodeJS.Timeout | undefined
  #killedAtMs: number | undefined
  /** When the command has used up its time; moved on by the time that it is held. */
  #deadlineMs: number | undefined
  #heldAtMs: number | undefined
  /** From then on the group's number may be somebody else's. */
  #isOver = false

  constructor(processGroup: number, options: { readonly graceMs: number; readonly timeoutMs?: number }) {
    this.#processGroup = processGroup
    this.#graceMs = options.graceMs
    if (options.timeoutMs === undefined) return
    this.#deadlineMs = performance.now() + options.timeoutMs
    this.#watchDeadline()
  }

  /** What ended the command first; `undefined` as long as it is left to itself. */
  get cause(): EndCause | undefined {
    return this.#cause
  }

  /** Asks the whole group to end, and kills it when the grace is over. The first cause stands. */
  end(cause: EndCause): void {
    if (this.#cause !== undefined || this.#isOver) return
    this.#cause = cause
    signalGroup(this.#processGroup, 'SIGTERM')
    // A stopped process hears TERM only when it goes on.
    signalGroup(this.#processGroup, 'SIGCONT')
    this.#grace = setTimeout(() => void this.#kill(), this.#graceMs)
  }

  /** Stops the whole group, until {@link RunningCommand.goOn} or its end. */
  hold(): void {
    if (this.#heldAtMs !== undefined || this.#isOver) return
    this.#heldAtMs = performance.now()
    clearTimeout(this.#timeout)
    signalGroup(this.#processGroup, 'SIGSTOP')
  }

  /** Lets the group go on. */
  goOn(): void {
    if (this.#heldAtMs === undefined || this.#isOver) return
    const heldMs = performance.now() - this.#heldAtMs
    this.#heldAtMs = undefined
    signalGroup(this.#processGroup, 'SIGCONT')
    if (this.#deadlineMs === undefined) return
    this.#deadlineMs += heldMs
    this.#watchDeadline()
  }

  /** Kills the whole group at once. */
  kill(cause: EndCause): void {
    if (this.#isOver) return
    this.#cause ??= cause
    this.#kill()
  }

  /**
   * Ends what is left of the group; to be called as soon as the command itself has ended, since from then on only the
   * other members keep the group's number from being used again. Resolves when nothing of it runs.
   *
   * After a timeout or an interruption the others keep what is left of the grace: a shell dies of TERM at once,
   * while the program that it started may be saving its work.
   *
   * @param options - `mayBeLeft`: whether others of the group may be there; if none was when the command was collected,
   *   none has come since, and the number is no longer the group's.
   */
  async settle({ mayBeLeft }: { readonly mayBeLeft: boolean }): Promise<void> {
    clearTimeout(this.#timeout)
    const isLeft = mayBeLeft && (this.#cause === undefined ? this.#kill() : true)
    if (isLeft) await this.#waitUntilGone()
    this.#isOver = true
    clearTimeout(this.#grace)
  }

  async #waitUntilGone(): Promise<void> {
    for (let lookMs = 1; signalGroup(this.#processGroup, 0); lookMs = Math.min(2 * lookMs, LOOK_MS_MAX)) {
      if (this.#killedAtMs !== undefined && performance.now() - this.#killedAtMs > SETTLE_MS) return
      if (lookMs >= THOROUGH_LOOK_MS && !groupRuns(this.#processGroup)) return
      await pause(lookMs)
    }
  }

  #kill(): boolean {
    this.#killedAtMs ??= performance.now()
    return signalGroup(this.#processGroup, 'SIGKILL')
  }

  #watchDeadline(): void {
    const leftMs = (this.#deadlineMs ?? Number.POSITIVE_INFINITY) - performance.now()
    if (leftMs <= 0) this.end('timeout')
    else this.#timeout = setTimeout(() => this.#watchDeadline(), Math.min(Math.ceil(leftMs), TIMER_MS_MAX))
  }
}
