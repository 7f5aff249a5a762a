import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { createLoopback, withRemoteWindows } from '../src/testing/index.ts'
import { TokenLock } from '../src/token-lock.ts'

const SEED = 20_260_718
const RUNS = 150

/** What all ranks together do under one lock, and what is seen of it. */
interface Observed {
  readonly requests: number[]
  readonly grants: number[]
  inside: number
  counter: number
}

const observed = (): Observed => ({ requests: [], grants: [], inside: 0, counter: 0 })

type Scheduler = Pick<fc.Scheduler, 'schedule' | 'waitFor'>

/** One pass through the critical section, with a pause in which others could break in. */
async function passThrough(rank: number, seen: Observed, pause: () => Promise<unknown>): Promise<void> {
  seen.grants.push(rank)
  seen.inside += 1
  expect(seen.inside).toBe(1)
  const before = seen.counter
  await pause()
  seen.counter = before + 1
  seen.inside -= 1
}

function loopbackOn(scheduler: Scheduler, size: number): Communicator[] {
  return createLoopback(size, {
    schedule: (deliver, label) => void scheduler.schedule(Promise.resolve(), label).then(deliver),
  })
}

const plans = fc.array(fc.array(fc.nat(1), { maxLength: 5 }), { minLength: 2, maxLength: 4 })

describe(`the token lock under any schedule (seed ${SEED})`, () => {
  it('excludes, serves in the order of requests and loses nothing, for two locks at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
        const seen = [observed(), observed()]
        const runRank = async (communicator: Communicator): Promise<void> => {
          const { rank } = communicator
          const locks = [await TokenLock.create(communicator), await TokenLock.create(communicator)]
          for (const which of plan[rank] ?? []) {
            const lock = locks[which]
            const one = seen[which]
            if (lock === undefined || one === undefined)
              throw new Error('The plan names a lock that is not there')
            await scheduler.schedule(Promise.resolve(), `rank ${rank} asks for lock ${which}`)
            // Where words are shared the swap happens within the call, so this is the order of the swaps.
            one.requests.push(rank)
            await lock.acquire()
            await passThrough(rank, one, () => scheduler.schedule(Promise.resolve(), `rank ${rank} works`))
            await lock.release()
          }
          for (const lock of locks) await lock.close()
        }
        await scheduler.waitFor(Promise.all(loopbackOn(scheduler, plan.length).map(runRank)))
        for (const [which, { requests, grants, counter }] of seen.entries()) {
          expect(grants).toEqual(requests)
          expect(counter).toBe(plan.flat().filter((one) => one === which).length)
        }
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('does the same between nodes, where every step in the window takes its time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
        const seen = observed()
        const runRank = async (communicator: Communicator): Promise<void> => {
          const { rank } = communicator
          const lock = await TokenLock.create(
            withRemoteWindows(communicator, async ({ operation }, run) => {
              await scheduler.schedule(Promise.resolve(), `rank ${rank}: ${operation}`)
              if (operation === 'exchange') seen.requests.push(rank)
              return run()
            }),
          )
          for (const _ of plan[rank] ?? []) {
            await lock.withLock(() =>
              passThrough(rank, seen, () => scheduler.schedule(Promise.resolve(), `rank ${rank} works`)),
            )
          }
          await lock.close()
        }
        await scheduler.waitFor(Promise.all(loopbackOn(scheduler, plan.length).map(runRank)))
        expect(seen.grants).toEqual(seen.requests)
        expect(seen.counter).toBe(plan.flat().length)
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('passes the token on when callers give up at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, fc.boolean(), async (scheduler, plan, remote) => {
        const seen = observed()
        let given = 0
        const runRank = async (communicator: Communicator): Promise<void> => {
          const { rank } = communicator
          const place = remote
            ? withRemoteWindows(communicator, async ({ operation }, run) => {
                await scheduler.schedule(Promise.resolve(), `rank ${rank}: ${operation}`)
                return run()
              })
            : communicator
          const lock = await TokenLock.create(place)
          const callers = (plan[rank] ?? []).map(async (impatient) => {
            await scheduler.schedule(Promise.resolve(), `rank ${rank} asks`)
            const controller = new AbortController()
            if (impatient === 1) {
              void scheduler
                .schedule(Promise.resolve(), `rank ${rank} gives up`)
                .then(() => controller.abort('enough'))
            }
            try {
              await lock.acquire({ signal: controller.signal })
            } catch (reason) {
              expect(reason).toBe('enough')
              given += 1
              return
            }
            await passThrough(rank, seen, () => scheduler.schedule(Promise.resolve(), `rank ${rank} works`))
            await lock.release()
          })
          await Promise.all(callers)
          await lock.close()
        }
        await scheduler.waitFor(Promise.all(loopbackOn(scheduler, plan.length).map(runRank)))
        expect(seen.counter + given).toBe(plan.flat().length)
        expect(given).toBeLessThanOrEqual(plan.flat().filter((impatient) => impatient === 1).length)
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })
})
