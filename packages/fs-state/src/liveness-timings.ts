/**
 * How long instances wait for signs of life from each other (pure); `docs/liveness.md` explains the four times.
 *
 * The rule that keeps two owners apart: whoever could not renew its lease for `leaseMs` stops by its own clock, and
 * nobody is declared dead before `deadAfterMs` without a change. The second must be longer than the first by the time
 * that a change takes to be seen, with clocks that run up to {@link CLOCK_DRIFT} too fast or slow.
 */
import { ConfigError, type LivenessOptions } from '@mpibatch/batch-core'
import type { FileSystemClass } from './file-system-class.ts'
import { type Mount, mountOptionNumber } from './mount-table.ts'

/** The four times of liveness, milliseconds. */
export interface LivenessTimings {
  /** Between two heartbeats of an instance, and between two looks of an observer. */
  readonly heartbeatMs: number
  /** After so long without a finished heartbeat an instance starts nothing and holds what runs. */
  readonly leaseMs: number
  /** Until a change by one machine is seen by another, at worst. */
  readonly visibilityMs: number
  /** After so long without a change an observer declares an instance dead. */
  readonly deadAfterMs: number
}

/** Part of their speed by which two machines' clocks may differ from true time. */
export const CLOCK_DRIFT = 0.01

const SECOND_MS = 1000
const LOCAL: LivenessTimings = {
  heartbeatMs: 2 * SECOND_MS,
  leaseMs: 20 * SECOND_MS,
  visibilityMs: 0,
  deadAfterMs: 30 * SECOND_MS,
}
const COHERENT: LivenessTimings = {
  heartbeatMs: 10 * SECOND_MS,
  leaseMs: 120 * SECOND_MS,
  visibilityMs: 10 * SECOND_MS,
  deadAfterMs: 180 * SECOND_MS,
}
const CACHED: LivenessTimings = {
  heartbeatMs: 10 * SECOND_MS,
  leaseMs: 120 * SECOND_MS,
  visibilityMs: 60 * SECOND_MS,
  deadAfterMs: 240 * SECOND_MS,
}

/** The shortest `deadAfterMs` that is safe beside an owner with this lease. */
export function shortestDeadAfterMs(leaseMs: number, visibilityMs: number): number {
  return Math.ceil((leaseMs * (1 + CLOCK_DRIFT) + visibilityMs) / (1 - CLOCK_DRIFT))
}

/** The times for a file system, from its class and its mount options. */
export function defaultTimings(fileSystem: FileSystemClass, mount?: Mount): LivenessTimings {
  if (fileSystem.sharing === 'local') return LOCAL
  if (fileSystem.sharing === 'coherent') return COHERENT
  const visibilityMs = visibilityOf(mount) ?? CACHED.visibilityMs
  const deadAfterMs = Math.max(CACHED.deadAfterMs, shortestDeadAfterMs(CACHED.leaseMs, visibilityMs))
  return { ...CACHED, visibilityMs, deadAfterMs }
}

/** What a measured delay is multiplied with: a few looks of an observer can't have met the worst case. */
const VISIBILITY_MARGIN = 1.5

/** The times for a file system on which a change was seen to take so long, if that is longer than they allow for. */
export function withVisibility(timings: LivenessTimings, measuredMs: number): LivenessTimings {
  if (measuredMs <= timings.visibilityMs) return timings
  const visibilityMs = Math.ceil((measuredMs * VISIBILITY_MARGIN) / SECOND_MS) * SECOND_MS
  const deadAfterMs = Math.max(timings.deadAfterMs, shortestDeadAfterMs(timings.leaseMs, visibilityMs))
  return { ...timings, visibilityMs, deadAfterMs }
}

/** How long an NFS client may believe what it knows; `actimeo` comes back from the kernel as the four that it sets. */
function visibilityOf(mount: Mount | undefined): number | undefined {
  const seconds = ['acregmax', 'acdirmax', 'actimeo'].flatMap(
    (option) => mountOptionNumber(mount, option) ?? [],
  )
  return seconds.length === 0 ? undefined : Math.max(...seconds, acdirmaxUnlessGiven(mount)) * SECOND_MS
}

/** The kernel shows only what differs from its defaults: 60 s for both. */
function acdirmaxUnlessGiven(mount: Mount | undefined): number {
  const given = ['acregmax', 'acdirmax'].every((option) => mountOptionNumber(mount, option) !== undefined)
  return given || mountOptionNumber(mount, 'actimeo') !== undefined ? 0 : 60
}

/**
 * Puts chosen times over those of the file system. `deadAfterMs`, where only others are chosen, is made long enough.
 *
 * @throws {@link ConfigError} if they would let two owners run one task.
 */
export function resolveTimings(defaults: LivenessTimings, chosen: LivenessOptions): LivenessTimings {
  const { heartbeatMs, leaseMs, visibilityMs, deadAfterMs } = { ...defaults, ...chosen }
  const shortestMs = shortestDeadAfterMs(leaseMs, visibilityMs)
  if (leaseMs < 2 * heartbeatMs) {
    throw new ConfigError(
      `The lease of ${leaseMs} ms is shorter than two heartbeats of ${heartbeatMs} ms; make it longer, or the heartbeat shorter.`,
    )
  }
  if (chosen.deadAfterMs !== undefined && deadAfterMs < shortestMs) {
    throw new ConfigError(
      `Instances must not be declared dead after ${deadAfterMs} ms: with a lease of ${leaseMs} ms and changes that take ${visibilityMs} ms to be seen, that needs ${shortestMs} ms at least.`,
    )
  }
  return { heartbeatMs, leaseMs, visibilityMs, deadAfterMs: Math.max(deadAfterMs, shortestMs) }
}
