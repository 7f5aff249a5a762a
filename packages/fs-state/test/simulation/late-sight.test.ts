/** A machine that sees everything a minute late: old states, names as missing that exist, old directories. */
import { FencedError, STATE_CODE, type StateStore } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { RECORD } from '../store-harness.ts'
import type { ClientOptions } from './simulated-client.ts'
import { SimulatedWorld } from './simulated-world.ts'

const LATE_MS = 60_000

/** The kinds of sight that a network file system gives; each function says how old what is shown may be. */
const SIGHTS: Record<string, ClientOptions> = {
  'that remembers missing names': { negativeMs: () => LATE_MS },
  'that shows old directories': { lagMs: () => LATE_MS },
  'that shows old directories and old texts': { lagMs: () => LATE_MS, closeToOpen: false },
  'that does all of it and forgets its own doings': {
    lagMs: (path) => (path.includes('/state') ? LATE_MS : 0),
    negativeMs: () => LATE_MS,
    closeToOpen: false,
    remembers: false,
  },
}

/** A store as a batch uses it: it remembers the highest slot that it was told of. */
function claiming(store: StateStore): () => ReturnType<StateStore['claim']> {
  let lastSeen = 0
  return async () => {
    const outcome = await store.claim(0, { lastSeen, from: { retryFailed: true } })
    lastSeen = Math.max(lastSeen, outcome.slot)
    return outcome
  }
}

describe.each(Object.entries(SIGHTS))('a machine %s', (_name, sight) => {
  it('gets no task that another one runs or has ended, and hears of its end in time', async () => {
    const world = new SimulatedWorld()
    const [owner, late] = [world.open(), world.open(sight)]
    const [claim, claimLate] = [claiming(owner.store), claiming(late.store)]
    // What is missing now may be taken for missing later.
    await late.store.readState(0)
    const outcome = await claim()
    if (outcome.kind !== 'claimed') throw new Error('not claimed')
    for (let look = 0; look < 5; look += 1) expect((await claimLate()).kind).toBe('elsewhere')
    await owner.store.publish(outcome.claim, 'DONE', RECORD)
    for (let look = 0; look < 5; look += 1) expect((await claimLate()).kind).not.toBe('claimed')
    world.system.nowMs += LATE_MS + 1
    expect(await claimLate()).toMatchObject({ kind: 'settled', state: 'DONE' })
    expect((await late.store.load()).codes[0]).toBe(STATE_CODE.DONE)
    expect(world.referee.fault).toBeUndefined()
  })

  it('can not change what its successor wrote', async () => {
    const world = new SimulatedWorld()
    const late = world.open(sight)
    const outcome = await claiming(late.store)()
    if (outcome.kind !== 'claimed') throw new Error('not claimed')
    world.referee.declareDead(late.name)
    expect(await world.finish()).toBe(true)
    await expect(late.store.publish(outcome.claim, 'FAILED', RECORD)).rejects.toThrow()
    expect(world.state).toBe('DONE\n')
    world.system.nowMs += LATE_MS + 1
    await expect(late.store.publish(outcome.claim, 'FAILED', RECORD)).rejects.toThrow(FencedError)
    expect(world.state).toBe('DONE\n')
    expect(world.referee.fault).toBeUndefined()
  })

  it('takes over from the dead without undoing what they had ended', async () => {
    const world = new SimulatedWorld()
    const late = world.open(sight)
    await late.store.readState(0)
    const isResult = (): boolean => world.system.find('/root/a/state.ev.2') !== undefined
    const dead = world.open({
      fault: ({ name }) => (name === 'rename' && isResult() ? { code: 'EIO' } : undefined),
    })
    // Its result has its event, but never reaches state.
    expect(await world.tryRun(dead)).toBe(false)
    expect(isResult()).toBe(true)
    world.referee.declareDead(dead.name)
    const claimLate = claiming(late.store)
    for (let look = 0; look < 5; look += 1) expect((await claimLate()).kind).not.toBe('claimed')
    // Once until it sees what the dead one did, and where it forgets, once more until it sees what it did itself.
    for (let wait = 0; wait < 2; wait += 1) {
      world.system.nowMs += LATE_MS + 1
      expect((await claimLate()).kind).not.toBe('claimed')
    }
    world.system.nowMs += LATE_MS + 1
    expect(await claimLate()).toMatchObject({ kind: 'settled', state: 'DONE' })
    expect(world.state).toBe('DONE\n')
    expect(world.referee.fault).toBeUndefined()
  })
})
