/**
 * The clocks that a lease is measured by. None of them is compared with another machine's.
 */
import { readFileSync } from 'node:fs'

/** A point in time by every clock of this machine, milliseconds. */
export interface Instant {
  /** Never stepped, the same in all threads and processes of a machine; stands still while the machine sleeps. */
  readonly monotonicMs: number
  /** Since the boot, sleep included; `undefined` where the system does not tell. */
  readonly bootMs: number | undefined
  /** Since 1970; may be stepped. */
  readonly wallMs: number
}

/** Tells the time. */
export interface Clock {
  now(): Instant
}

/** A difference of the wall clock and the monotonic one that has changed by more says that a clock stood still. */
const STEP_MS = 1000

let known: { readonly bootOffsetMs: number | undefined; readonly wallOffsetMs: number } | undefined

/** The clocks of the system. */
export const systemClock: Clock = {
  now: () => {
    const monotonicMs = Number(process.hrtime.bigint()) / 1e6
    const wallMs = Date.now()
    const wallOffsetMs = wallMs - monotonicMs
    // The time since the boot costs a file to be read, and changes against the monotonic one only in a sleep.
    if (known === undefined || Math.abs(wallOffsetMs - known.wallOffsetMs) > STEP_MS) {
      const bootMs = readBootMs()
      known = { wallOffsetMs, bootOffsetMs: bootMs === undefined ? undefined : bootMs - monotonicMs }
    }
    const { bootOffsetMs } = known
    return {
      monotonicMs,
      bootMs: bootOffsetMs === undefined ? undefined : monotonicMs + bootOffsetMs,
      wallMs,
    }
  },
}

/**
 * Time between two instants: the longest that a clock measured. The wall clock counts only where there is none that
 * runs while the machine sleeps: a step of it is no time.
 */
export function elapsedMs(from: Instant, to: Instant): number {
  const monotonicMs = to.monotonicMs - from.monotonicMs
  const sleepingMs =
    from.bootMs === undefined || to.bootMs === undefined ? to.wallMs - from.wallMs : to.bootMs - from.bootMs
  return Math.max(monotonicMs, sleepingMs)
}

/** How far the wall clock ran ahead of the others between two instants: a step, or a machine that stood still whole. */
export function wallStepMs(from: Instant, to: Instant): number {
  return to.wallMs - from.wallMs - elapsedMs({ ...from, wallMs: 0 }, { ...to, wallMs: 0 })
}

/** Sees what `performance.now` doesn't: the time that the machine slept. */
function readBootMs(): number | undefined {
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'))
    return Number.isFinite(seconds) ? seconds * 1000 : undefined
  } catch {
    return undefined
  }
}
