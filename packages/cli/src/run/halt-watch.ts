import type { TaskCounts } from '@mpibatch/batch-core'
import { type HaltPolicy, haltDecision } from '../input/halt.ts'
import type { StopControl } from './stop-control.ts'

/** How often the counts are looked at, in milliseconds. */
const INTERVAL_MS = 100

/** Stops the run when the counts say so. */
export function applyHalt(policy: HaltPolicy, counts: TaskCounts, stop: StopControl): void {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const decision = haltDecision(policy, { done: counts.DONE, failed: counts.FAILED, total })
  if (decision === 'soon') stop.requestDrain('halt')
  if (decision === 'now') stop.requestInterrupt('halt')
}

/** Watches counts that change in other threads. */
export function haltOnCounts(
  policy: HaltPolicy | undefined,
  options: { readonly counts: () => TaskCounts; readonly stop: StopControl },
): { stop(): void } {
  if (policy === undefined) return { stop: () => undefined }
  const timer = setInterval(() => applyHalt(policy, options.counts(), options.stop), INTERVAL_MS)
  return { stop: () => clearInterval(timer) }
}
