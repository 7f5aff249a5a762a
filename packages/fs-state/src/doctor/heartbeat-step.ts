/** Step 9: whether the heart of an instance goes on to beat while its process is blocked. */
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory } from './context.ts'
import type { HeartbeatReading } from './jobs/heartbeat-jobs.ts'
import { PROBE_INTERVAL_MS } from './jobs/probe-interval.ts'
import type { Finding, StepOutcome } from './report.ts'

const BLOCKED_MS = 600
/** Part of the beats that must come; the machine may be busy, and a beat may have to wait for a server. */
const BEATS_SHARE_MIN = 0.1

/** Blocks a process and counts the beats of its thread. */
export async function checkHeartbeat(context: DoctorContext): Promise<StepOutcome> {
  const directory = await makeStepDirectory(context, 'heartbeat')
  return judgeHeartbeat(
    await context.agents[0].ask('beatWhileBlocked', { directory, blockedMs: BLOCKED_MS }, JOB_MS_MAX),
  )
}

/** Judges the beats. */
export function judgeHeartbeat(measured: HeartbeatReading): StepOutcome {
  const { beats, blockedMs, hung } = measured
  const findings: Finding[] = []
  if (beats < Math.max(1, (blockedMs / PROBE_INTERVAL_MS) * BEATS_SHARE_MIN)) {
    findings.push({
      code: 'heart-stands-still',
      severity: 'degraded',
      message: `While its process was blocked for ${blockedMs} ms, a thread wrote ${beats} times instead of about ${Math.round(blockedMs / PROBE_INTERVAL_MS)}.`,
      advice: 'Make the heartbeat and the lease longer with --liveness or MPIBATCH_LIVENESS.',
    })
  }
  if (hung === 0)
    findings.push({
      code: 'hang-untested',
      severity: 'note',
      message: 'Hung calls were not tested: no pipes can be made.',
    })
  return { findings, measured: { ...measured } }
}
