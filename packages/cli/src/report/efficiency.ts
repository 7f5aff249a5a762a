import type { TimeShares } from './report-data.ts'

/** A pause of up to this between two tasks of a worker is what it takes to get the next; a longer one is waiting. */
const CLAIM_MS_MAX = 1000

/** When something ran, milliseconds since 1970. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Splits a worker's time.
 *
 * @param attempts - Its attempts, in the order of their starts.
 * @param job - From the start of its job to the end of the job's last attempt.
 */
export function timeShares(attempts: Iterable<Span>, job: Span): TimeShares {
  const shares = { busyMs: 0, startMs: 0, claimMs: 0, waitMs: 0, lastMs: 0 }
  let cursorMs = job.fromMs
  let isFirst = true
  for (const { fromMs, toMs } of attempts) {
    const pauseMs = fromMs - cursorMs
    if (pauseMs > 0) shares[isFirst ? 'startMs' : pauseMs <= CLAIM_MS_MAX ? 'claimMs' : 'waitMs'] += pauseMs
    // Clocks may be set back, and attempts of one worker never overlap: no moment counts twice.
    shares.busyMs += Math.max(0, toMs - Math.max(fromMs, cursorMs))
    cursorMs = Math.max(cursorMs, toMs)
    isFirst = false
  }
  shares.lastMs = Math.max(0, job.toMs - cursorMs)
  return shares
}

/** All of the time that was split, milliseconds. */
export function wholeMs({ busyMs, startMs, claimMs, waitMs, lastMs }: TimeShares): number {
  return busyMs + startMs + claimMs + waitMs + lastMs
}

/** Which part of their time workers were busy, from 0 to 1; 0 if they had none. */
export function busyShare(shares: TimeShares): number {
  const whole = wholeMs(shares)
  return whole === 0 ? 0 : shares.busyMs / whole
}

/** The time of several workers. */
export function addShares(all: Iterable<TimeShares>): TimeShares {
  const sum = { busyMs: 0, startMs: 0, claimMs: 0, waitMs: 0, lastMs: 0 }
  for (const { busyMs, startMs, claimMs, waitMs, lastMs } of all) {
    sum.busyMs += busyMs
    sum.startMs += startMs
    sum.claimMs += claimMs
    sum.waitMs += waitMs
    sum.lastMs += lastMs
  }
  return sum
}

/** How long at least one of these spans lasted, milliseconds: overlaps count once. */
export function unionMs(spans: readonly Span[]): number {
  let sumMs = 0
  let coveredToMs = -Infinity
  for (const { fromMs, toMs } of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    sumMs += Math.max(0, toMs - Math.max(fromMs, coveredToMs))
    coveredToMs = Math.max(coveredToMs, toMs)
  }
  return sumMs
}
