import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { fileSystemClass } from '../src/file-system-class.ts'
import { HeartbeatObserver } from '../src/heartbeat-observer.ts'
import { Lease } from '../src/lease.ts'
import {
  CLOCK_DRIFT,
  defaultTimings,
  type LivenessTimings,
  resolveTimings,
  shortestDeadAfterMs,
} from '../src/liveness-timings.ts'
import type { Mount } from '../src/mount-table.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { FakeClock } from './fake-clock.ts'

const EXT4 = fileSystemClass(0xef53)
const NFS = fileSystemClass(0x6969)

function observerAt(time: { nowMs: number }, files: FileLayer = nodeFileLayer): HeartbeatObserver {
  return new HeartbeatObserver({ files, root: '/nowhere', intervalMs: 2000, nowMs: () => time.nowMs })
}

describe('an observer', () => {
  it('counts silence from its first look, and life from the first change', () => {
    const time = { nowMs: 1000 }
    const observer = observerAt(time)
    let sign = '1'
    const look = () => observer.lookAt('owner', () => sign)
    expect(look()).toEqual({ shownLife: false, silentMs: 0 })
    time.nowMs += 2000
    expect(look()).toEqual({ shownLife: false, silentMs: 2000 })
    sign = '2'
    time.nowMs += 2000
    expect(look()).toEqual({ shownLife: true, silentMs: 0 })
    time.nowMs += 1500
    expect(look()).toEqual({ shownLife: true, silentMs: 1500 })
  })

  it('does not count silence over a time in which it did not look: it may have been away itself', () => {
    const time = { nowMs: 0 }
    const observer = observerAt(time)
    const look = () => observer.lookAt('owner', () => '1')
    look()
    time.nowMs += 6000
    expect(look().silentMs).toBe(6000)
    time.nowMs += 6001
    expect(look().silentMs).toBe(0)
  })

  it('takes a look that failed for no look at all', () => {
    const time = { nowMs: 0 }
    const observer = observerAt(time)
    let fails = false
    const look = () =>
      observer.lookAt('owner', () => {
        if (fails) throw new Error('EIO')
        return '1'
      })
    look()
    fails = true
    for (let count = 0; count < 10; count += 1) {
      time.nowMs += 2000
      expect(look().silentMs).toBe(0)
    }
    fails = false
    time.nowMs += 2000
    expect(look().silentMs).toBe(0)
  })

  it('sees an instance without any sign as one that does not change', () => {
    const time = { nowMs: 0 }
    const observer = observerAt(time)
    observer.look('0123456789abcdef')
    time.nowMs += 4000
    expect(observer.look('0123456789abcdef')).toEqual({ shownLife: false, silentMs: 4000 })
  })
})

describe('the times', () => {
  it('are those of the class of the file system', () => {
    expect(defaultTimings(EXT4)).toMatchObject({ heartbeatMs: 2000, leaseMs: 20_000, deadAfterMs: 30_000 })
    expect(defaultTimings(fileSystemClass(0x0bd00bd0))).toMatchObject({
      leaseMs: 120_000,
      deadAfterMs: 180_000,
    })
    expect(defaultTimings(NFS)).toMatchObject({ visibilityMs: 60_000, deadAfterMs: 240_000 })
  })

  it.each([
    [['rw', 'acregmax=10', 'acdirmax=20'], 20_000, 240_000],
    [['rw', 'acregmax=3'], 60_000, 240_000],
    [['rw', 'acregmax=600', 'acdirmax=600'], 600_000, shortestDeadAfterMs(120_000, 600_000)],
  ])('on NFS follow its caches: %s', (options, visibilityMs, deadAfterMs) => {
    const mount: Mount = { type: 'nfs4', source: 'server:/x', point: '/x', options }
    expect(defaultTimings(NFS, mount)).toMatchObject({ visibilityMs, deadAfterMs })
  })

  it('are made safe where a person chose some of them, and refused where a chosen one is not', () => {
    expect(resolveTimings(defaultTimings(EXT4), { leaseMs: 60_000 }).deadAfterMs).toBe(
      shortestDeadAfterMs(60_000, 0),
    )
    expect(() => resolveTimings(defaultTimings(EXT4), { deadAfterMs: 20_000 })).toThrow('that needs 20405 ms')
    expect(() => resolveTimings(defaultTimings(EXT4), { heartbeatMs: 15_000 })).toThrow('two heartbeats')
  })
})

/** A life: pauses before its beats, how long each takes, and when others see it, as parts of what may be. */
const beats = fc.array(
  fc.record({
    pauseMs: fc.oneof(fc.nat({ max: 500 }), fc.nat({ max: 60_000 })),
    writeMs: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 40_000 })),
    seenPart: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 12 },
)
const rate = fc.double({ min: 1 - CLOCK_DRIFT, max: 1 + CLOCK_DRIFT, noNaN: true })
const seed = Number(process.env.MPIBATCH_SEED ?? 11)

it(`no verdict while the lease stands, whatever stalls and drifts (seed ${seed})`, () => {
  const timings = resolveTimings(defaultTimings(EXT4), { visibilityMs: 5000, deadAfterMs: 25_455 })
  fc.assert(
    fc.property(beats, rate, rate, (life, ownerRate, observerRate) => {
      expect(leaseAtVerdict(timings, { life, ownerRate, observerRate })).not.toBe('valid')
    }),
    { seed, numRuns: 2000 },
  )
})

it('and there would be such verdicts, were they only a little faster', () => {
  const safe = resolveTimings(defaultTimings(EXT4), { visibilityMs: 5000, deadAfterMs: 25_455 })
  const hasty = { ...safe, deadAfterMs: 24_000 }
  const property = fc.property(beats, rate, rate, (life, ownerRate, observerRate) => {
    expect(leaseAtVerdict(hasty, { life, ownerRate, observerRate })).not.toBe('valid')
  })
  expect(fc.check(property, { seed, numRuns: 20_000 }).failed).toBe(true)
})

interface Course {
  readonly life: readonly { pauseMs: number; writeMs: number; seenPart: number }[]
  readonly ownerRate: number
  readonly observerRate: number
}

/** Lets owner and observer run, and gives the state of the lease at the moment of the first verdict. */
function leaseAtVerdict(timings: LivenessTimings, { life, ownerRate, observerRate }: Course): string {
  const clock = new FakeClock()
  const lease = Lease.create(clock.now(), { leaseMs: timings.leaseMs, clock })
  const time = { nowMs: 0 }
  const observer = observerAt(time)
  const seen: { atMs: number; sign: string }[] = [{ atMs: 0, sign: '0' }]
  let trueMs = 0
  let nextLookMs = 0

  /** Time passes, in steps no longer than to the observer's next look. @returns Whether there was a verdict. */
  function passTo(untilMs: number): boolean {
    for (;;) {
      const stepMs = Math.min(untilMs, nextLookMs) - trueMs
      clock.pass(stepMs * ownerRate)
      time.nowMs += stepMs * observerRate
      trueMs += stepMs
      if (trueMs < nextLookMs) return false
      nextLookMs = trueMs + 1900
      const sign = seen.findLast(({ atMs }) => atMs <= trueMs)?.sign ?? ''
      if (observer.lookAt('owner', () => sign).silentMs >= timings.deadAfterMs) return true
    }
  }

  for (const [index, { pauseMs, writeMs, seenPart }] of life.entries()) {
    if (passTo(trueMs + pauseMs)) return lease.state
    const start = clock.now()
    // The write takes effect when its call ends at the latest, and is seen some time after that.
    seen.push({ atMs: trueMs + writeMs + seenPart * timings.visibilityMs, sign: String(index + 1) })
    if (passTo(trueMs + writeMs)) return lease.state
    lease.renew(start)
  }
  return passTo(trueMs + 100_000) ? lease.state : 'no verdict'
}
