import type { Awaitable } from './awaitable.ts'
import type { NamedList } from './name-index.ts'
import {
  type ClaimOutcome,
  type LoadedStates,
  type Outlook,
  PERMANENT_LEASE,
  type StateStore,
  type StateStoreProvider,
  type StoreClaim,
  type StoreLease,
} from './state-store.ts'
import { STATE_CODE, type StoredState } from './task-state.ts'

/**
 * A store that keeps nothing beyond the run: the task table is the only copy, so every claim that won there wins.
 *
 * Event slots count on as in a real store: claims are odd, ends are even.
 */
export class MemoryStateStore implements StateStore {
  readonly instance = 'memory'
  readonly ticket = undefined
  readonly portableTicket = undefined
  readonly keepsStates = false
  readonly lease: StoreLease = PERMANENT_LEASE
  /** Nothing runs elsewhere, so nobody looks. */
  readonly lookIntervalMs: number = Number.POSITIVE_INFINITY
  readonly #taskCount: number
  readonly #codes: Uint8Array | undefined

  /** @param initial - Initial {@link STATE_CODE}s; all tasks are OPEN without them. */
  constructor(taskCount: number, initial?: Uint8Array) {
    this.#taskCount = taskCount
    this.#codes = initial
  }

  load(): Promise<LoadedStates> {
    const codes = this.#codes ?? new Uint8Array(this.#taskCount).fill(STATE_CODE.OPEN)
    return Promise.resolve({ codes, faults: [] })
  }

  claim(taskIndex: number, options: { readonly lastSeen: number }): Awaitable<ClaimOutcome> {
    const slot = options.lastSeen + 1
    return { kind: 'claimed', slot, claim: { taskIndex, slot, attempt: (slot + 1) >> 1 } }
  }

  recordStart(): void {}

  publish(claim: StoreClaim): Awaitable<number> {
    return claim.slot + 1
  }

  release(claim: StoreClaim): Awaitable<number> {
    return claim.slot + 1
  }

  /** Who asks for values holds them in memory itself. */
  keepValue(): Awaitable<void> {}

  readValue(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  readState(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  reconsider(_taskIndices: readonly number[]): Promise<Outlook> {
    return Promise.resolve({ ready: [], owners: [] })
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }

  durations(): Float64Array {
    return new Float64Array(this.#taskCount).fill(Number.NaN)
  }

  directoryOf(): undefined {
    return undefined
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/**
 * Makes a provider of {@link MemoryStateStore}: what a batch without a root uses.
 *
 * @param initial - State of each task; all are OPEN without it. RUNNING is taken for a task that runs elsewhere.
 */
export function createMemoryStateProvider(initial?: readonly StoredState[]): StateStoreProvider {
  const codes =
    initial && Uint8Array.from(initial, (state) => STATE_CODE[state === 'RUNNING' ? 'ELSEWHERE' : state])
  const create = (tasks: NamedList): Promise<StateStore> =>
    Promise.resolve(new MemoryStateStore(tasks.length, codes))
  return { open: create, attach: (_ticket, tasks) => create(tasks), join: (_ticket, tasks) => create(tasks) }
}
