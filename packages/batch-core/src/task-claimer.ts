/**
 * Finds and ends tasks for one claimant (a slot, or the leader of a worker group): first in the table, then in the
 * store, outside any lock. Not collective; the other members of a group learn of it through `group-tasks.ts`.
 */
import { type Awaitable, catching, comesLater, whenThere } from './awaitable.ts'
import type { ElsewhereWatch } from './elsewhere-watch.ts'
import { FencedError, ForeignWriterError } from './errors.ts'
import { RetrySchedule } from './retry-schedule.ts'
import type { AttemptRecord, ClaimOutcome, StateStore, StoreClaim } from './state-store.ts'
import type { StopRequest } from './stop-request.ts'
import { type ClaimableStates, isClaimable, type TableState } from './task-state.ts'
import type { TaskTable } from './task-table.ts'
import type { TimeLimit } from './time-limit.ts'
import type { TokenLock } from './token-lock.ts'

/** What a claimer works with. */
export interface TaskClaimerOptions {
  readonly table: TaskTable
  readonly store: StateStore
  /** Guards changes of the table's queue; shared by all claimers of the node. */
  readonly lock: TokenLock
  /** Takes more tasks into the table; `false` when there are none. */
  readonly refill: () => Promise<boolean>
  /** Takes more tasks into the table that had ended before the batch was opened, and names them. Under the lock. */
  readonly refillEnded: () => Promise<readonly number[]>
  /** Hears what a task of this claimant has become. */
  readonly note: (index: number, state: TableState) => void
  /** Number of this claimant in the table. */
  readonly owner: number
  readonly claimable: ClaimableStates
  readonly stop: StopRequest
  /** Starts nothing that it does not allow. */
  readonly timeLimit: TimeLimit | undefined
  /** How often a failed task is run again. */
  readonly retries: number
  /** Delay before the first retry. */
  readonly retryDelayMs: number
  /** Hears of tasks whose files can't be understood. */
  readonly onFault: (message: string) => void
  readonly elsewhere: ElsewhereWatch
}

/** Milliseconds between two looks at a lease that is in doubt. */
const LEASE_LOOK_MS = 100

/** How a claimed task is to end: a terminal state, or OPEN to give it back. */
export type TaskEnd = 'DONE' | 'FAILED' | 'OPEN'

/** How a claimed task is to end, and what is kept of it. */
export interface WantedEnd {
  readonly end: TaskEnd
  readonly record: AttemptRecord
  /** JSON that is kept with the task if it is DONE. */
  readonly value?: string
}

/** A search for a task in one of some states. */
interface Search {
  readonly states: readonly TableState[]
  /** Number of tasks that are still to be looked at. */
  left: number
}

/** The states other than OPEN from which a task may be claimed, if that is asked for. */
const ON_REQUEST = ['FAILED', 'DONE', 'ELSEWHERE'] as const

const NONE: readonly number[] = []

/** See the top of this file. */
export class TaskClaimer {
  readonly #options: TaskClaimerOptions
  readonly #retries = new RetrySchedule()
  readonly #elsewhere: ElsewhereWatch
  /** Tasks that another instance got while this claimant tried to claim them. */
  #lost: number[] = []
  /** Where the next search for tasks in other states than OPEN begins. */
  #cursor = 0

  constructor(options: TaskClaimerOptions) {
    this.#options = options
    this.#elsewhere = options.elsewhere
  }

  /**
   * Claims the next task.
   *
   * @param wanted - States from which this call may claim once nothing is left, beside those of the batch.
   * @returns The claim, at once if nothing has to be waited for; or `undefined` when nothing is left to do here, a stop
   *   was asked for, or the time is over.
   * @throws {@link LeaseLostError} when this instance may start nothing any more.
   */
  next(wanted: ClaimableStates = {}): Awaitable<StoreClaim | undefined> {
    if (!this.#mayStart || this.#options.store.lease.state !== 'valid') return this.#goOn(wanted)
    const index = this.#takeWaiting()
    if (index === undefined) return this.#goOn(wanted)
    const claim = this.#claimStored(index)
    return claim === undefined || comesLater(claim) ? this.#goOn(wanted, claim) : claim
  }

  get #mayStart(): boolean {
    const { stop, timeLimit } = this.#options
    return !stop.requested && timeLimit?.allows(performance.now()) !== false
  }

  /** Takes a task in the table that waits to be claimed or retried. */
  #takeWaiting(): number | undefined {
    const { table, owner } = this.#options
    return this.#takeRetry() ?? table.claimNext(owner)
  }

  /** Goes on until there is a claim, the one that was `tried` before perhaps, or nothing is left. */
  async #goOn(
    wanted: ClaimableStates,
    tried?: Awaitable<StoreClaim | undefined>,
  ): Promise<StoreClaim | undefined> {
    const { store, stop } = this.#options
    const first = await tried
    if (first !== undefined) return first
    while (this.#mayStart) {
      if (store.lease.state !== 'valid') {
        store.lease.check()
        await stop.wait(LEASE_LOOK_MS)
        continue
      }
      const index = this.#takeWaiting()
      if (index !== undefined) {
        const claim = await this.#claimStored(index)
        if (claim !== undefined) return claim
        continue
      }
      if (await this.#options.refill()) continue
      const found = await this.#search(wanted)
      if (found !== undefined) return found
      const { found: isFree, againInMs = Number.POSITIVE_INFINITY } = await this.#elsewhere.look()
      if (isFree) continue
      const waitMs = Math.min(
        this.#retries.nextDueInMs(performance.now()) ?? Number.POSITIVE_INFINITY,
        againInMs,
      )
      if (waitMs === Number.POSITIVE_INFINITY) return undefined
      await (againInMs === Number.POSITIVE_INFINITY ? stop.wait(waitMs) : this.#elsewhere.wait(waitMs))
    }
    return undefined
  }

  /** Indices of tasks that another instance got while this claimant tried, since the last call. */
  takeLost(): readonly number[] {
    if (this.#lost.length === 0) return NONE
    const lost = this.#lost
    this.#lost = []
    return lost
  }

  /** Claims a task in one of the wanted states, looking at each once. */
  async #search(wanted: ClaimableStates): Promise<StoreClaim | undefined> {
    const states = ON_REQUEST.filter((state) => isClaimable(state, wanted))
    if (states.length === 0) return undefined
    const { lock, stop } = this.#options
    const search = { states, left: this.#options.table.taskCount }
    while (!stop.requested) {
      // Under the lock, since a look at the tasks that run elsewhere must find them as it left them.
      const index = await lock.withLock(() => this.#find(search))
      if (index === undefined) return undefined
      const claim = await this.#claimStored(index, wanted)
      if (claim !== undefined) return claim
    }
    return undefined
  }

  /** Takes the next task of a search in the table. Under its lock. */
  async #find(search: Search): Promise<number | undefined> {
    const { table, owner, refillEnded } = this.#options
    const isWanted = (index: number): boolean => search.states.includes(table.stateOf(index))
    for (;;) {
      while (search.left > 0) {
        const index = this.#cursor
        this.#cursor = (index + 1) % table.taskCount
        search.left -= 1
        if (isWanted(index) && table.claim(index, owner, table.stateOf(index))) return index
      }
      const admitted = await refillEnded()
      if (admitted.length === 0) return undefined
      if (admitted.some(isWanted)) search.left = table.taskCount
    }
  }

  #takeRetry(): number | undefined {
    const { table, owner } = this.#options
    while (this.#retries.hasWaiting) {
      const index = this.#retries.takeDue(performance.now())
      if (index === undefined || table.claim(index, owner, 'FAILED')) return index
    }
    return undefined
  }

  /** Takes the task in the store, which decides between instances; marks it in the table where somebody else has it. */
  #claimStored(index: number, wanted?: ClaimableStates): Awaitable<StoreClaim | undefined> {
    const { table, store } = this.#options
    const request = { lastSeen: table.slotOf(index), from: this.#statesFor(index, wanted) }
    const outcome = catching<ClaimOutcome>(
      () => store.claim(index, request),
      (error) => {
        // No task may stay RUNNING in the table that could not be claimed.
        this.#set(index, 'INVALID', 0)
        throw error
      },
    )
    return whenThere(outcome, (known) => this.#noteOutcome(index, known))
  }

  #noteOutcome(index: number, outcome: ClaimOutcome): StoreClaim | undefined {
    if (outcome.kind === 'claimed') {
      this.#options.table.noteSlot(index, outcome.slot)
      this.#options.note(index, 'RUNNING')
      return outcome.claim
    }
    const state: TableState =
      outcome.kind === 'settled' ? outcome.state : outcome.kind === 'elsewhere' ? 'ELSEWHERE' : 'INVALID'
    if (outcome.kind === 'elsewhere') this.#lost.push(index)
    if (outcome.kind === 'invalid') this.#options.onFault(outcome.reason)
    this.#set(index, state, outcome.slot)
    return undefined
  }

  /**
   * States from which the store may let a task be claimed. A task in the queue was let in by its state; what stands in the
   * table now is RUNNING, so all allowed states pass here, and a retry of ours may follow its own FAILED.
   */
  #statesFor(index: number, wanted: ClaimableStates | undefined): ClaimableStates {
    const { claimable } = this.#options
    const isRetry = this.#retries.hasFailed(index)
    if (!isRetry && wanted === undefined) return claimable
    return {
      retryFailed: isRetry || claimable.retryFailed === true || wanted?.retryFailed === true,
      rerun: claimable.rerun === true || wanted?.rerun === true,
      stealRunning: claimable.stealRunning === true || wanted?.stealRunning === true,
    }
  }

  /**
   * Ends a claimed task in the store, then in the table. A failure while the lease is in doubt gives the task back.
   *
   * @returns How it has ended, at once if the store need not be waited for.
   * @throws {@link FencedError} and {@link ForeignWriterError} as the store does; the task then counts as elsewhere.
   */
  end(claim: StoreClaim, wanted: WantedEnd): Awaitable<TaskEnd> {
    // Whoever declares an instance dead ends its commands; that must not look like a failure of theirs.
    const doubtful = wanted.end === 'FAILED' && this.#options.store.lease.state !== 'valid'
    const how: WantedEnd = doubtful
      ? { end: 'OPEN', record: { ...wanted.record, reason: 'interrupted' } }
      : wanted
    const slot = catching<number>(
      () => this.#endStored(claim, how),
      (error) => {
        const foreign = error instanceof ForeignWriterError
        const lost = error instanceof FencedError || foreign
        // A program without claims takes no slot: the next one is free, and must be the next to be tried.
        const next = foreign ? claim.slot : claim.slot + 1
        this.#set(claim.taskIndex, lost ? 'ELSEWHERE' : 'INVALID', next)
        throw error
      },
    )
    const ended = whenThere(slot, (known) => this.#noteEnd(claim.taskIndex, how, known))
    return doubtful ? this.#enqueueAgain(claim.taskIndex, ended) : ended
  }

  #endStored(claim: StoreClaim, { end, record, value }: WantedEnd): Awaitable<number> {
    const { store } = this.#options
    if (end === 'OPEN') return store.release(claim, record)
    if (end !== 'DONE' || value === undefined) return store.publish(claim, end, record)
    return whenThere(store.keepValue(claim, value), () => store.publish(claim, end, record))
  }

  #noteEnd(index: number, { end, record }: WantedEnd, slot: number): TaskEnd {
    const { timeLimit, retries, retryDelayMs } = this.#options
    this.#set(index, end, slot)
    if (end !== 'OPEN') timeLimit?.note(record.durationMs)
    if (end === 'FAILED') {
      this.#retries.failed(index, { retries, baseMs: retryDelayMs, nowMs: performance.now() })
    }
    return end
  }

  async #enqueueAgain(index: number, ended: Awaitable<TaskEnd>): Promise<TaskEnd> {
    const { table, lock } = this.#options
    const end = await ended
    await lock.withLock(() => table.enqueue(index))
    return end
  }

  #set(index: number, state: TableState, slot: number): void {
    const { table, owner, note } = this.#options
    table.set(index, { owner, state, slot })
    note(index, state)
  }
}
