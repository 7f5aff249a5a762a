/** Step 8: whether file locks exclude, which no return code tells. For information: the store uses none. */
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory, peerAgent } from './context.ts'
import type { LockOutcome } from './jobs/lock-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

/** How locking went: the first process, and the second while the first had the lock. */
export interface LockMeasurement {
  readonly held: LockOutcome
  readonly second: LockOutcome | null
}

/** Locks a file in one process and tries it in another. */
export async function checkLocks(context: DoctorContext): Promise<StepOutcome> {
  const path = `${await makeStepDirectory(context, 'locks')}/locked`
  const [here, neighbour] = context.agents
  const there = peerAgent(context) ?? neighbour ?? here
  const held = await here.ask('holdLock', { path }, JOB_MS_MAX)
  const second = held === 'locked' ? await there.ask('tryLock', { path }, JOB_MS_MAX) : null
  await here.ask('dropLock', {}, JOB_MS_MAX)
  return judgeLocks({ held, second })
}

/** Judges what came of it. */
export function judgeLocks(measured: LockMeasurement): StepOutcome {
  const { held, second } = measured
  const note = (code: string, message: string): Finding => ({ code, severity: 'note', message })
  const findings: Finding[] = []
  if (held === 'no-program' || second === 'no-program')
    findings.push(
      note(
        'locks-untested',
        'Locks were not tested: there is no flock(1) of util-linux. The store uses none.',
      ),
    )
  else if (second === 'locked')
    findings.push(
      note(
        'locks-do-nothing',
        'Two processes held the same flock at once: locks do nothing here. The store uses none.',
      ),
    )
  else if (second !== 'refused')
    findings.push(
      note('no-locks', `Files can't be locked here (${second ?? held}). The store uses no locks.`),
    )
  return { findings, measured: { ...measured } }
}
