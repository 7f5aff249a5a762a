/**
 * Finds and ends tasks for one claimant (a slot, or the leader of a worker group): first in the table, then in the
 * store, outside any lock. Not collective; the other members of a group learn of it through `batch.ts`.
 */
import type { ElsewhereWatch } from './elsewhere-watch.ts'
import { FencedError, ForeignWriterError } from './errors.ts'
import { RetrySchedule } from './retry-schedule.ts'
import type { AttemptRecord, StateStore, StoreClaim } from './state-store.ts'
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
   * @returns The claim, or `undefined` when nothing is left to do here, a stop was asked for, or the time is over.
   * @throws {@link LeaseLostError} when this instance may start nothing any more.
   */
  async next(wanted: ClaimableStates = {}): Promise<StoreClaim | undefined> {
    const { table, store, stop, owner, timeLimit } = this.#options
    while (!stop.requested && timeLimit?.allows(performance.now()) !== false) {
      if (store.lease.state !== 'valid') {
        store.lease.check()
        await stop.wait(LEASE_LOOK_MS)
        continue
      }
      const index = this.#takeRetry() ?? table.claimNext(owner)
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
  async #claimStored(index: number, wanted: ClaimableStates = {}): Promise<StoreClaim | undefined> {
    const { table, store } = this.#options
    const from = this.#statesFor(index, wanted)
    const outcome = await this.#guarded(index, () =>
      store.claim(index, { lastSeen: table.slotOf(index), from }),
    )
    if (outcome.kind === 'claimed') {
      table.noteSlot(index, outcome.slot)
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
  #statesFor(index: number, wanted: ClaimableStates): ClaimableStates {
    const { claimable } = this.#options
    const isRetry = this.#retries.hasFailed(index)
    return {
      retryFailed: isRetry || claimable.retryFailed === true || wanted.retryFailed === true,
      rerun: claimable.rerun === true || wanted.rerun === true,
      stealRunning: claimable.stealRunning === true || wanted.stealRunning === true,
    }
  }

  /** Leaves no task RUNNING in the table that could not be claimed: an error makes it INVALID here, and goes on. */
  async #guarded<T>(index: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#set(index, 'INVALID', 0)
      throw error
    }
  }

  /**
   * Ends a claimed task in the store, then in the table. A failure while the lease is in doubt gives the task back.
   *
   * @returns How it has ended.
   * @throws {@link FencedError} and {@link ForeignWriterError} as the store does; the task then counts as elsewhere.
   */
  async end(claim: StoreClaim, wanted: WantedEnd): Promise<TaskEnd> {
    const { table, store, lock, retries, retryDelayMs } = this.#options
    const { taskIndex } = claim
    // Whoever declares an instance dead ends its commands; that must not look like a failure of theirs.
    const doubtful = wanted.end === 'FAILED' && store.lease.state !== 'valid'
    const end = doubtful ? 'OPEN' : wanted.end
    const record = doubtful ? { ...wanted.record, reason: 'interrupted' as const } : wanted.record
    let slot: number
    try {
      if (end === 'DONE' && wanted.value !== undefined) await store.keepValue(claim, wanted.value)
      slot = end === 'OPEN' ? await store.release(claim, record) : await store.publish(claim, end, record)
    } catch (error) {
      const foreign = error instanceof ForeignWriterError
      const lost = error instanceof FencedError || foreign
      // A program without claims takes no slot: the next one is free, and must be the next to be tried.
      const slot = foreign ? claim.slot : claim.slot + 1
      this.#set(taskIndex, lost ? 'ELSEWHERE' : 'INVALID', slot)
      throw error
    }
    this.#set(taskIndex, end, slot)
    if (end !== 'OPEN') this.#options.timeLimit?.note(record.durationMs)
    if (doubtful) await lock.withLock(() => table.enqueue(taskIndex))
    if (end === 'FAILED') {
      this.#retries.failed(taskIndex, { retries, baseMs: retryDelayMs, nowMs: performance.now() })
    }
    return end
  }

  #set(index: number, state: TableState, slot: number): void {
    const { table, owner, note } = this.#options
    table.set(index, { owner, state, slot })
    note(index, state)
  }
}
