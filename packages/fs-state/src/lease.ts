/**
 * The lease of this instance: its right to start tasks, which it has to renew (`docs/liveness.md`, The owner).
 *
 * Purpose: an owner that could not show a sign of life for `leaseMs` stops by its own clock, before anybody may
 * declare it dead. Its state lies in memory that all threads of the process share: the heartbeat's thread renews it,
 * everybody looks.
 *
 * States: `valid`; `suspect`, when it was not renewed in time: nothing is started, running work is held; `lost`, when
 * others have declared the instance dead, which is for ever. `suspect` becomes `valid` again only by winning the next
 * entry of the instance's life log, never by a heartbeat alone.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { LeaseLostError, type LeaseState, type StoreLease, type StoreTicket } from '@mpibatch/batch-core'
import { type Clock, elapsedMs, type Instant, systemClock } from './clock.ts'
import type { FsStoreTicket } from './store-session.ts'

const STATES: readonly LeaseState[] = ['valid', 'suspect', 'lost']
const [VALID, SUSPECT, LOST] = [0, 1, 2] as const

/** Int64 words: the last renewal by the three clocks in microseconds, and the state. */
const WORD_MONOTONIC = 0
const WORD_BOOT = 1
const WORD_WALL = 2
const WORD_STATE = 3
const WORD_COUNT = 4
/** Stands for a clock that there is not. */
const NO_CLOCK = -1n

/** Shares of the lease after which its watchers look again, and the bounds of that time. */
const LOOKS_PER_LEASE = 20
const LOOK_MS_MIN = 10
const LOOK_MS_MAX = 500

/** See the top of this file. */
export class Lease implements StoreLease {
  readonly #words: BigInt64Array
  readonly #leaseMs: number
  readonly #clock: Clock
  /** With each, what it knows. */
  readonly #listeners = new Map<(state: LeaseState) => void, LeaseState>()
  #timer: NodeJS.Timeout | undefined

  /** Makes a valid lease, renewed by what was done from `start` on. */
  static create(start: Instant, options: { readonly leaseMs: number; readonly clock?: Clock }): Lease {
    const words = new BigInt64Array(new SharedArrayBuffer(WORD_COUNT * BigInt64Array.BYTES_PER_ELEMENT))
    const lease = new Lease(words, options)
    lease.#note(start)
    return lease
  }

  /** Attaches to the words of a lease that another thread has made. */
  constructor(words: BigInt64Array, options: { readonly leaseMs: number; readonly clock?: Clock }) {
    this.#words = words
    this.#leaseMs = options.leaseMs
    this.#clock = options.clock ?? systemClock
  }

  /** What other threads attach to: plain data over shared memory. */
  get words(): BigInt64Array {
    return this.#words
  }

  /** The state at this moment, by the clocks: a lease that has just run out is suspect. */
  get state(): LeaseState {
    if (Atomics.load(this.#words, WORD_STATE) === BigInt(VALID) && this.#hasRunOut(this.#clock.now())) {
      this.suspect()
    }
    return STATES[Number(Atomics.load(this.#words, WORD_STATE))] ?? 'lost'
  }

  /** Renews a valid lease by a heartbeat that began at `start` and has ended. @returns Whether it was in time. */
  renew(start: Instant): boolean {
    if (this.state !== 'valid') return false
    this.#note(start)
    return this.state === 'valid'
  }

  /** Something speaks against this instance: it has to win its life log's next entry before it goes on. */
  suspect(): void {
    Atomics.compareExchange(this.#words, WORD_STATE, BigInt(VALID), BigInt(SUSPECT))
  }

  /** The life log was won, with all that led to it done after `start`. */
  restore(start: Instant): void {
    this.#note(start)
    Atomics.compareExchange(this.#words, WORD_STATE, BigInt(SUSPECT), BigInt(VALID))
  }

  /** The instance was declared dead. */
  lose(): void {
    Atomics.store(this.#words, WORD_STATE, BigInt(LOST))
  }

  /** See {@link StoreLease.check}. */
  check(): void {
    if (this.state === 'lost') throw lostError()
  }

  /** See {@link StoreLease.onChange}. */
  onChange(listener: (state: LeaseState) => void): () => void {
    this.#listeners.set(listener, 'valid')
    const lookMs = Math.min(Math.max(this.#leaseMs / LOOKS_PER_LEASE, LOOK_MS_MIN), LOOK_MS_MAX)
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.close()
    }
  }

  /** Stops looking. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const { state } = this
    for (const [listener, known] of [...this.#listeners]) {
      if (known === state || !this.#listeners.has(listener)) continue
      this.#listeners.set(listener, state)
      listener(state)
    }
  }

  #note({ monotonicMs, bootMs, wallMs }: Instant): void {
    Atomics.store(this.#words, WORD_MONOTONIC, toWord(monotonicMs))
    Atomics.store(this.#words, WORD_BOOT, bootMs === undefined ? NO_CLOCK : toWord(bootMs))
    Atomics.store(this.#words, WORD_WALL, toWord(wallMs))
  }

  #hasRunOut(now: Instant): boolean {
    const bootWord = Atomics.load(this.#words, WORD_BOOT)
    const renewed = {
      monotonicMs: fromWord(Atomics.load(this.#words, WORD_MONOTONIC)),
      bootMs: bootWord === NO_CLOCK ? undefined : fromWord(bootWord),
      wallMs: fromWord(Atomics.load(this.#words, WORD_WALL)),
    }
    return elapsedMs(renewed, now) > this.#leaseMs
  }
}

/** Resolves when a lease is valid. @throws {@link LeaseLostError} if it will not be. */
export async function untilValid(lease: StoreLease): Promise<void> {
  // The heartbeat is another thread, so the state may change between any two looks; and with nothing else to do, a
  // process would end in the middle of a wait that does not keep it alive.
  while (lease.state === 'suspect') await pause(LOOK_MS_MIN)
  lease.check()
}

/** The lease of an instance, for a thread that has its ticket but no store; `undefined` if it shares no memory with it. */
export function leaseOf(ticket: StoreTicket): StoreLease | undefined {
  const { leaseWords, timings } = (ticket ?? {}) as Partial<FsStoreTicket>
  return leaseWords === undefined || timings === undefined ? undefined : new Lease(leaseWords, timings)
}

function lostError(): LeaseLostError {
  return new LeaseLostError(
    'This run was declared dead by another one, because its machine or its disk did not answer for too long. Its running tasks belong to others now. Run the same line again to go on.',
  )
}

function toWord(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000))
}

function fromWord(word: bigint): number {
  return Number(word) / 1000
}
