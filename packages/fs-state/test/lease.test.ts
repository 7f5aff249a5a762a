import { LeaseLostError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { Lease, untilValid } from '../src/lease.ts'
import { FakeClock } from './fake-clock.ts'

const HOUR_MS = 3_600_000

function leaseOn(clock: FakeClock, leaseMs = 20_000): Lease {
  return Lease.create(clock.now(), { leaseMs, clock })
}

describe('a lease', () => {
  it('stands as long as it is renewed, and is in doubt as soon as it has run out', () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    clock.pass(19_999)
    expect(lease.state).toBe('valid')
    const start = clock.now()
    expect(lease.renew(start)).toBe(true)
    clock.pass(20_000)
    expect(lease.state).toBe('valid')
    clock.pass(1)
    expect(lease.state).toBe('suspect')
  })

  it('counts a heartbeat from its start, and not at all if it ended too late', () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    const start = clock.now()
    clock.pass(15_000)
    expect(lease.renew(start)).toBe(true)
    clock.pass(5_001)
    expect(lease.state).toBe('suspect')
    expect(lease.renew(clock.now())).toBe(false)
    expect(lease.state).toBe('suspect')
  })

  it('runs out while the machine sleeps, although its monotonic clock stands still', () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    clock.sleep(20_001)
    expect(lease.state).toBe('suspect')
  })

  it.each([HOUR_MS, -HOUR_MS])('does not mind a wall clock that is set by %i ms', (byMs) => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    clock.stepWall(byMs)
    expect(lease.state).toBe('valid')
    clock.pass(20_001)
    expect(lease.state).toBe('suspect')
  })

  it('goes by the wall clock as well where no clock runs in a sleep', () => {
    const clock = new FakeClock(false)
    const lease = leaseOn(clock)
    clock.stepWall(-HOUR_MS)
    expect(lease.state).toBe('valid')
    clock.sleep(HOUR_MS + 20_001)
    expect(lease.state).toBe('suspect')
  })

  it('comes back from doubt only when it is restored, and never when it is lost', () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    lease.suspect()
    expect(lease.renew(clock.now())).toBe(false)
    lease.restore(clock.now())
    expect(lease.state).toBe('valid')
    lease.lose()
    lease.restore(clock.now())
    lease.suspect()
    expect(lease.state).toBe('lost')
    expect(() => lease.check()).toThrow(LeaseLostError)
  })

  it('is one for all threads that share its memory', () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    const other = new Lease(lease.words, { leaseMs: 20_000, clock })
    lease.suspect()
    expect(other.state).toBe('suspect')
    other.restore(clock.now())
    expect(lease.state).toBe('valid')
  })

  it('tells who listens of its changes, and lets nobody wait who can not win', async () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    const heard: string[] = []
    const stop = lease.onChange((state) => heard.push(state))
    lease.suspect()
    const waiting = untilValid(lease)
    await expect.poll(() => heard).toEqual(['suspect'])
    lease.restore(clock.now())
    await waiting
    await expect.poll(() => heard).toEqual(['suspect', 'valid'])
    lease.suspect()
    const losing = untilValid(lease)
    lease.lose()
    await expect(losing).rejects.toThrow(LeaseLostError)
    stop()
  })

  it('tells also who begins to listen when it is in doubt already', async () => {
    const clock = new FakeClock()
    const lease = leaseOn(clock)
    const heard: string[] = []
    const stopFirst = lease.onChange((state) => heard.push(`first ${state}`))
    lease.suspect()
    await expect.poll(() => heard).toEqual(['first suspect'])
    const stopSecond = lease.onChange((state) => heard.push(`second ${state}`))
    await expect.poll(() => heard).toEqual(['first suspect', 'second suspect'])
    stopFirst()
    lease.lose()
    await expect.poll(() => heard).toEqual(['first suspect', 'second suspect', 'second lost'])
    stopSecond()
  })
})
