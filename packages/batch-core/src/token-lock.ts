/** The token lock. Its queue is in `token-queue.ts`; `docs/token-lock.md` tells how it works. */
import type { Communicator, WaitOptions } from './communicator.ts'
import { ClosedError, LockNotHeldError, UsageError } from './errors.ts'
import { createTokenQueue, type TokenQueue } from './token-queue.ts'
import { checkWaitLimits, watchWaitLimits } from './wait-limits.ts'

interface Caller {
  readonly grant: () => void
  readonly refuse: (reason: unknown) => void
}

/**
 * A lock whose token passes between ranks in the order of request. It lets one rank at a time do what the memory of no
 * single rank can guard: append to a file, print, use a device.
 *
 * One rank holds it at a time. Ranks get it in the order of their atomic swap on the tail of a queue; a free lock costs
 * two atomic operations and no message, a hand-over at most one between threads. Locks never take each other's token,
 * so there may be any number of them, over any communicators.
 *
 * {@link TokenLock.create} is collective, then any rank calls `acquire` and `release`, or `withLock`, when it likes; at
 * the end all call {@link TokenLock.close}. Callers on one rank share its place in the queue, in the order of call.
 *
 * A holder that ends without `release` keeps the token: the ranks right behind it fail with {@link RankLostError}.
 *
 * @example
 * ```ts
 * const lock = await TokenLock.create(communicator)
 * await lock.withLock(() => appendFile('report.txt', line))
 * await lock.close()
 * ```
 */
export class TokenLock {
  readonly #communicator: Communicator
  readonly #queue: TokenQueue
  /** Callers on this rank that wait, first come first. */
  readonly #callers: Caller[] = []
  /** This rank's place in the queue of ranks. A place is never left before the token has come by. */
  #place: 'none' | 'waiting' | 'held' | 'leaving' = 'none'
  #closing: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined
  #whenLeft: (() => void) | undefined

  private constructor(communicator: Communicator, queue: TokenQueue) {
    this.#communicator = communicator
    this.#queue = queue
  }

  /** Makes a lock for the members of a communicator. Collective. */
  static async create(communicator: Communicator): Promise<TokenLock> {
    const own = await communicator.duplicate()
    return new TokenLock(own, await createTokenQueue(own))
  }

  /** Whether this rank holds the lock. */
  get held(): boolean {
    return this.#place === 'held'
  }

  /**
   * Waits until this rank has the lock. Not collective.
   *
   * A caller that gives up leaves the rank's place to the next caller here; if there is none, the token passes on.
   *
   * @throws {@link TimeoutError} when `timeoutMs` is over, the signal's reason when it aborts.
   * @throws {@link ClosedError} after {@link TokenLock.close}.
   * @throws {@link RankLostError} if the rank before this one in the queue has ended with the token.
   */
  async acquire(options: WaitOptions = {}): Promise<void> {
    if (this.#closing !== undefined) throw closedError()
    if (this.#failure !== undefined) throw this.#failure.reason
    checkWaitLimits(options)
    return new Promise((resolve, reject) => {
      const stopWatching = watchWaitLimits(options, 'The lock was not passed to this rank', (reason) => {
        this.#callers.splice(this.#callers.indexOf(caller), 1)
        caller.refuse(reason)
      })
      const caller: Caller = {
        grant: () => {
          stopWatching?.()
          resolve()
        },
        refuse: (reason) => {
          stopWatching?.()
          reject(reason)
        },
      }
      this.#callers.push(caller)
      this.#queueUp()
    })
  }

  /**
   * Passes the lock on to the next rank in the queue. Not collective.
   *
   * @throws {@link LockNotHeldError} if this rank doesn't hold it.
   */
  async release(): Promise<void> {
    if (this.#place !== 'held') {
      throw new LockNotHeldError(
        `Rank ${this.#communicator.rank} doesn't hold the lock, so it can't release it. Acquire it first.`,
      )
    }
    await this.#leave()
  }

  /** Runs a function under the lock and releases it, also when the function throws. Not collective. */
  async withLock<T>(run: () => T | Promise<T>, options: WaitOptions = {}): Promise<T> {
    await this.acquire(options)
    let result: T
    try {
      result = await run()
    } catch (error) {
      // What went wrong first says more than what it led to.
      await this.release().catch(() => undefined)
      throw error
    }
    await this.release()
    return result
  }

  /**
   * Frees the lock. Collective; callers that still wait here get {@link ClosedError}. A second call returns the
   * promise of the first.
   *
   * @throws {@link UsageError} if this rank holds the lock.
   */
  close(): Promise<void> {
    if (this.#place === 'held') {
      return Promise.reject(new UsageError('The lock is closed by a rank that holds it. Release it first.'))
    }
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.refuse(closedError())
    // A place that nobody here wants any more still has to pass the token on.
    if (this.#place !== 'none') {
      await new Promise<void>((resolve) => {
        this.#whenLeft = resolve
      })
    }
    await this.#queue.close()
    await this.#communicator.close()
  }

  /** Takes a place in the queue for the callers on this rank, unless it has one. */
  #queueUp(): void {
    if (this.#place !== 'none' || this.#callers.length === 0) return
    this.#place = 'waiting'
    this.#queue.enter().then(
      () => this.#grant(),
      (reason) => this.#fail(reason),
    )
  }

  #grant(): void {
    const caller = this.#callers.shift()
    if (caller === undefined) {
      this.#leave().catch(() => {
        // Nobody here waits for it; #fail has noted the reason for the next caller.
      })
      return
    }
    this.#place = 'held'
    caller.grant()
  }

  async #leave(): Promise<void> {
    this.#place = 'leaving'
    try {
      await this.#queue.leave()
    } catch (reason) {
      this.#fail(reason)
      throw reason
    }
    this.#place = 'none'
    this.#whenLeft?.()
    this.#queueUp()
  }

  #fail(reason: unknown): void {
    this.#failure = { reason }
    this.#place = 'none'
    for (const caller of this.#callers.splice(0)) caller.refuse(reason)
    this.#whenLeft?.()
  }
}

function closedError(): ClosedError {
  return new ClosedError('This lock was closed. Acquire it before close, or create another one.')
}
