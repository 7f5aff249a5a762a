/** Step 7: how fast the clocks run, whether sleep is noticed, and how far the peer's wall clock is off. */
import { CLOCK_DRIFT } from '../liveness-timings.ts'
import type { ClockReading } from './jobs/machine-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

/** Shortest span that says something about rates: `/proc/uptime` counts in hundredths of a second. */
export const CLOCK_SPAN_MS = 5000

/** A machine's clocks at the beginning and at the end. */
export interface ClockSpan {
  readonly first: ClockReading
  readonly last: ClockReading
}

/** The peer's clocks, read between two looks at our own. */
export interface PeerClock {
  readonly reading: ClockReading
  /** Our wall clock when it was asked and when it answered, milliseconds since 1970. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
}

/** Judges the clocks. */
export function judgeClocks({ first, last }: ClockSpan, peer: PeerClock | undefined): StepOutcome {
  const findings: Finding[] = []
  const spanMs = last.monotonicMs - first.monotonicMs
  const uptimeRate = rate(first.uptimeMs, last.uptimeMs, spanMs)
  const wallRate = rate(first.wallMs, last.wallMs, spanMs)
  if (last.uptimeMs === null) {
    findings.push({
      code: 'no-uptime',
      severity: 'note',
      message: 'There is no /proc/uptime, so sleep of the machine is noticed by the wall clock alone.',
      advice: 'Leave the wall clock alone while tasks run.',
    })
  } else if (uptimeRate !== null && Math.abs(uptimeRate - 1) > CLOCK_DRIFT) {
    findings.push({
      code: 'clock-rates',
      severity: 'degraded',
      message: `Over ${(spanMs / 1000).toFixed(1)} s the clock since the boot ran at ${uptimeRate.toFixed(3)} times the speed of the monotonic clock.`,
      advice: 'Look after the clocks of this machine; until then, let one instance at a time work.',
      singleInstance: true,
    })
  }
  if (wallRate !== null && Math.abs(wallRate - 1) > CLOCK_DRIFT) {
    findings.push({
      code: 'wall-clock-moved',
      severity: 'note',
      message: `The wall clock ran at ${wallRate.toFixed(3)} times the speed of the monotonic clock; nothing is decided by it, but recorded times are off.`,
    })
  }
  const offset = peer === undefined ? null : offsetOf(peer)
  if (offset !== null && Math.abs(offset.offsetMs) > 1000 + offset.errorMs) {
    findings.push({
      code: 'wall-clock-offset',
      severity: 'note',
      message: `The peer's wall clock is ${(Math.abs(offset.offsetMs) / 1000).toFixed(1)} s ${offset.offsetMs > 0 ? 'ahead' : 'behind'}; nothing is decided by it, but recorded times differ.`,
    })
  }
  return {
    findings,
    measured: {
      spanMs: Math.round(spanMs),
      uptimeRate,
      wallRate,
      suspendNoticed: last.uptimeMs !== null,
      peerOffset: offset,
    },
  }
}

function rate(first: number | null, last: number | null, spanMs: number): number | null {
  return first === null || last === null || spanMs < CLOCK_SPAN_MS ? null : (last - first) / spanMs
}

/** The peer read its clock at some moment between our two. */
function offsetOf({ reading, askedAtMs, answeredAtMs }: PeerClock): { offsetMs: number; errorMs: number } {
  const errorMs = (answeredAtMs - askedAtMs) / 2
  return { offsetMs: Math.round(reading.wallMs - askedAtMs - errorMs), errorMs: Math.ceil(errorMs) }
}
