import { setImmediate } from 'node:timers/promises'
import { expect, expectTypeOf, it } from 'vitest'
import { WorkError } from '../src/errors.ts'
import { MapReduce } from '../src/map-reduce.ts'
import { createMessageCommunicator } from '../src/message-communicator.ts'
import { createLoopback, createLoopbackTransports } from '../src/testing/index.ts'

/** Opens a pool on each of some ranks of this thread. */
function openPools(size: number): Promise<MapReduce[]> {
  return Promise.all(createLoopback(size).map((communicator) => MapReduce.open({ communicator })))
}

it('the results have the type of what work returns, or of what reduce makes of it', async () => {
  const pool = await MapReduce.open({ communicator: null })
  const plain = await pool.map(['1', '2'], async (item) => Number(item))
  expectTypeOf(plain).toEqualTypeOf<number[] | undefined>()
  const reduced = await pool.map(2, (item) => item > 0, {
    reduce: async (result, index, item) => ({ result, index, item }),
  })
  expectTypeOf(reduced).toEqualTypeOf<{ result: boolean; index: number; item: number }[] | undefined>()
  expect([plain, reduced?.map(({ result }) => result)]).toEqual([
    [1, 2],
    [false, true],
  ])
  await pool.close()
})

it('a rank that is busy with one item takes no others: the rest is done by who is free', async () => {
  const pools = await openPools(3)
  const doneBy = new Array<number>(30)
  let release: (() => void) | undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let doneCount = 0
  const all = await Promise.all(
    pools.map((pool, rank) =>
      pool.map(30, async (item) => {
        if (item === 0) await held
        doneBy[item] = rank
        doneCount += 1
        // The rank of item 0 waits until all others have done everything else.
        if (doneCount === 30 - firstChunkLength) release?.()
        await setImmediate()
      }),
    ),
  )
  expect(all[0]).toHaveLength(30)
  const slow = doneBy[0]
  expect(doneBy.filter((rank) => rank === slow)).toHaveLength(firstChunkLength)
  await Promise.all(pools.map((pool) => pool.close()))
})

/** A quarter of a third of 30 items. */
const firstChunkLength = 2

it('what is thrown is the cause where it was thrown, and its text elsewhere, whatever it is', async () => {
  const strange = {
    get message(): string {
      throw new Error('nobody may look')
    },
  }
  const endless = Object.assign(new Error('with a handle'), { handle: () => undefined })
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [new TypeError('plain'), /TypeError: plain/],
    [endless, /with a handle.*handle: \[Function/s],
    [new Error('outer', { cause: new Error('inner') }), /outer.*cause.*inner/s],
    ['a text', /'a text'/],
    [undefined, /undefined/],
    [strange, /message: \[Getter\]/],
    [new Proxy({}, { get: () => fail(), ownKeys: () => fail() }), /failed on rank/],
  ]
  const pools = await openPools(2)
  for (const [thrown, text] of cases) {
    const throwing = (): never => {
      throw thrown
    }
    const outcomes = await Promise.allSettled(
      pools.map((pool) => pool.map(2, (item) => (item === 1 ? throwing() : item), { chunk: 1 })),
    )
    const errors = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined))
    for (const [rank, error] of errors.entries()) {
      expect(error).toBeInstanceOf(WorkError)
      expect(error.message).toMatch(text)
      if (rank === error.details.rank) expect(error.cause === thrown).toBe(true)
      else expect(error.cause).toBeInstanceOf(Error)
    }
  }
  await Promise.all(pools.map((pool) => pool.close()))
})

function fail(): never {
  throw new Error('nobody may look')
}

it('of several items that fail, the first one is told on all ranks', async () => {
  const pools = await openPools(4)
  let arrivedCount = 0
  const errors = await Promise.all(
    pools.map((pool) =>
      pool
        .map(
          4,
          async (item) => {
            arrivedCount += 1
            while (arrivedCount < 4) await setImmediate()
            throw new Error(`item ${item} is bad`)
          },
          { chunk: 1 },
        )
        .catch((error: unknown) => error),
    ),
  )
  for (const error of errors) expect(error).toMatchObject({ details: { index: 0 } })
  await Promise.all(pools.map((pool) => pool.close()))
})

it('a rank that fails lets nobody take a further item', async () => {
  const pools = await openPools(2)
  const startedAfter: number[] = []
  let hasFailed = false
  const outcomes = await Promise.allSettled(
    pools.map((pool) =>
      pool.map(
        100_000,
        // Ranks of one thread take turns here without a turn of the event loop, so no message says that they are to stop.
        async (item) => {
          if (hasFailed) startedAfter.push(item)
          if (item === 10) {
            hasFailed = true
            throw new Error('enough')
          }
        },
        { chunk: 1 },
      ),
    ),
  )
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(startedAfter.length).toBeLessThan(5)
  await Promise.all(pools.map((pool) => pool.close()))
})

it.each([
  ['the root', 0],
  ['another rank', 2],
])('when %s ends in the middle, the map fails on the ranks that are left', async (_, lost) => {
  const transports = createLoopbackTransports(3)
  const pools = await Promise.all(
    transports.map((transport) => MapReduce.open({ communicator: createMessageCommunicator(transport) })),
  )
  const never = new Promise<void>(() => undefined)
  const maps = pools.map((pool, rank) =>
    pool.map(
      20,
      async () => {
        if (rank === lost) {
          transports[lost]?.lose()
          await never
        }
        await pool.critical(() => setImmediate())
      },
      { chunk: 1 },
    ),
  )
  for (const [rank, map] of maps.entries()) {
    if (rank === lost) continue
    await expect(map).rejects.toMatchObject({
      code: 'ERR_MPIBATCH_RANK_LOST',
      message: expect.stringMatching(new RegExp(`^Rank ${lost} ended in the middle of a map`)),
      details: { worldRanks: [lost] },
    })
    const pool = pools[rank]
    await expect(pool?.map(1, () => 1)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_RANK_LOST' })
    await expect(pool?.close()).rejects.toMatchObject({ code: 'ERR_MPIBATCH_RANK_LOST' })
  }
})

it('a rank that is lost while it holds critical ends the map, also for those far behind it', async () => {
  const transports = createLoopbackTransports(4)
  const pools = await Promise.all(
    transports.map((transport) => MapReduce.open({ communicator: createMessageCommunicator(transport) })),
  )
  const never = new Promise<void>(() => undefined)
  const asking = new Set<number>()
  let isHeld = false
  const maps = pools.map((pool, rank) =>
    pool.map(
      4,
      async () => {
        while (rank !== 3 && !isHeld) await setImmediate()
        asking.add(rank)
        await pool.critical(async () => {
          isHeld = true
          while (asking.size < 4) await setImmediate()
          transports[3]?.lose()
          await never
        })
      },
      { chunk: 1 },
    ),
  )
  for (const map of maps.slice(0, 3))
    await expect(map).rejects.toMatchObject({ details: { worldRanks: [3] } })
})

it('too many chunks are refused', async () => {
  const pool = await MapReduce.open({ communicator: null })
  await expect(pool.map(2 ** 25, () => 1, { chunk: 1 })).rejects.toThrow('Take larger chunks')
  await pool.close()
})
