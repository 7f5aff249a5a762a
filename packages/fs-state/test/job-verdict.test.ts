import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClaimOutcome, LivenessOptions } from '@mpibatch/batch-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JobState, SchedulerJob } from '../src/job-states.ts'
import { freshRoot, mustClaim, openStore, pretendJob } from './store-harness.ts'

const JOB: SchedulerJob = { jobId: '12', cluster: 'fake', restartCount: 1 }
const HEARTBEAT_MS = 100
/** No silence is long enough in these tests but that after the end of a job. */
const LIVENESS: LivenessOptions = {
  heartbeatMs: HEARTBEAT_MS,
  leaseMs: 300_000,
  visibilityMs: 0,
  deadAfterMs: 600_000,
}

/** What somebody gets who wants the task of a silent owner in a job, while the scheduler says this of the job. */
async function besideJob(state: JobState) {
  const root = freshRoot()
  const owner = await openStore(root, undefined, { liveness: LIVENESS })
  await mustClaim(owner)
  pretendJob(root, owner.instance, JOB)
  const asked: SchedulerJob[] = []
  const judge = (job: SchedulerJob): Promise<JobState> => {
    asked.push(job)
    return Promise.resolve(state)
  }
  const store = await openStore(root, undefined, { liveness: LIVENESS, jobs: { judge } })
  const claim = async (): Promise<ClaimOutcome> => await store.claim(0, { lastSeen: 0, from: {} })
  return { asked, claim, heartbeat: join(root, '.mpibatch/i', owner.instance, 'hb') }
}

/** Tries to claim for the time of many heartbeats. */
async function claimFor(claim: () => Promise<ClaimOutcome>): Promise<ClaimOutcome> {
  let outcome = await claim()
  for (let look = 0; look < 10 && outcome.kind !== 'claimed'; look += 1) {
    await pause(HEARTBEAT_MS)
    outcome = await claim()
  }
  return outcome
}

describe('an owner whose job has ended', () => {
  it('is dead after some heartbeats that have not come', async () => {
    const { asked, claim } = await besideJob('ended')
    expect(await claim()).toMatchObject({ kind: 'elsewhere' })
    expect(asked[0]).toEqual(JOB)
    expect(await claimFor(claim)).toMatchObject({ kind: 'claimed', slot: 2 })
  })

  it('lives if it goes on to beat: a scheduler calls a node lost that it can’t reach', async () => {
    const { claim, heartbeat } = await besideJob('ended')
    let beats = 0
    const beating = setInterval(() => {
      beats += 1
      writeFileSync(heartbeat, `${beats}\n`)
    }, HEARTBEAT_MS / 2)
    onTestFinished(() => clearInterval(beating))
    expect(await claimFor(claim)).toMatchObject({ kind: 'elsewhere' })
  })

  it.each(['running', 'unknown'] as const)(
    'is judged by its silence alone while the job is %s',
    async (state) => {
      const { claim } = await besideJob(state)
      expect(await claimFor(claim)).toMatchObject({ kind: 'elsewhere' })
    },
  )
})
