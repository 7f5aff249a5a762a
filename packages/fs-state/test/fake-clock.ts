import type { Clock, Instant } from '../src/clock.ts'

/** Clocks that a test moves: time passes on all of them, unless it says otherwise. */
export class FakeClock implements Clock {
  #now: Instant

  /** @param hasBootClock - Whether there is a clock that runs while the machine sleeps. */
  constructor(hasBootClock = true) {
    this.#now = {
      monotonicMs: 5_000_000,
      bootMs: hasBootClock ? 9_000_000 : undefined,
      wallMs: 1_700_000_000_000,
    }
  }

  now(): Instant {
    return this.#now
  }

  /** Time passes. */
  pass(durationMs: number): void {
    this.#move({ monotonicMs: durationMs, bootMs: durationMs, wallMs: durationMs })
  }

  /** The machine sleeps: its monotonic clock stands still. */
  sleep(durationMs: number): void {
    this.#move({ bootMs: durationMs, wallMs: durationMs })
  }

  /** Somebody sets the wall clock. */
  stepWall(byMs: number): void {
    this.#move({ wallMs: byMs })
  }

  #move({ monotonicMs = 0, bootMs = 0, wallMs = 0 }: Partial<Instant>): void {
    const now = this.#now
    this.#now = {
      monotonicMs: now.monotonicMs + monotonicMs,
      bootMs: now.bootMs === undefined ? undefined : now.bootMs + bootMs,
      wallMs: now.wallMs + wallMs,
    }
  }
}
