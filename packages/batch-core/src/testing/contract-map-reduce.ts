import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Communicator } from '../communicator.ts'
import { WorkError } from '../errors.ts'
import { MapReduce } from '../map-reduce.ts'
import type { SharedWindow } from '../shared-window.ts'
import { assertFails, type ContractCase, ranksOf, splitInto } from './contract-case.ts'

const COUNT = 40
const WORK = 'ERR_MPIBATCH_WORK'

/** What a pool over any communicator promises. */
export const mapReduceCases: readonly ContractCase[] = [
  {
    name: 'map works on every item once, and gives the root all results in order',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const counts = await communicator.createWindow({ length: COUNT })
        for (const root of ranksOf(communicator)) {
          const results = await pool.map(
            COUNT,
            async (item, index) => {
              assert.equal(item, index)
              await counts.fetchAdd(index, 1)
              return { item, half: new Float64Array([item / 2]) }
            },
            { root },
          )
          const expected = Array.from({ length: COUNT }, (_, item) => ({
            item,
            half: new Float64Array([item / 2]),
          }))
          assert.deepEqual(results, communicator.rank === root ? expected : undefined)
        }
        await communicator.barrier()
        assert.deepEqual(await counts.read(0, COUNT), new Int32Array(COUNT).fill(communicator.size))
        await counts.close()
      }),
  },
  {
    name: 'map goes over arrays of any kind, also empty ones and single items, in chunks of any size',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const letters = ['a', 'b', 'c', 'd', 'e']
        for (const items of [letters, [], ['x']]) {
          for (const chunk of [1, 2, 7]) {
            const results = await pool.map(items, (item, index) => `${item}${index}`, { chunk })
            const expected = items.map((item, index) => `${item}${index}`)
            assert.deepEqual(results, communicator.rank === 0 ? expected : undefined)
          }
        }
        const doubled = await pool.map(new Float32Array([1, 2, 3]), (value) => 2 * value)
        assert.deepEqual(doubled, communicator.rank === 0 ? [2, 4, 6] : undefined)
      }),
  },
  {
    name: 'reduce takes each result once on the root, in order if asked, and what it returns stands for it',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const items = Array.from({ length: COUNT }, (_, index) => 2 * index)
        for (const ordered of [false, true]) {
          const seen: number[] = []
          let isInside = false
          const results = await pool.map(items, (item) => item ** 2, {
            ordered,
            chunk: 3,
            reduce: async (result, index, item) => {
              assert.ok(!isInside, 'reduce was called while it ran')
              isInside = true
              await setImmediate()
              isInside = false
              assert.equal(item, 2 * index)
              assert.equal(result, item ** 2)
              seen.push(index)
              return `${index}`
            },
          })
          if (communicator.rank > 0) {
            assert.deepEqual([results, seen], [undefined, []])
            continue
          }
          const all = Array.from({ length: COUNT }, (_, index) => index)
          assert.deepEqual(ordered ? seen : seen.sort((one, other) => one - other), all)
          assert.deepEqual(results, all.map(String))
        }
      }),
  },
  {
    name: 'one rank at a time is inside critical',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const sum = await communicator.createWindow({ length: 1 })
        await pool.map(
          COUNT,
          (item) =>
            pool.critical(async () => {
              // Not atomic: whoever else does it between the two steps is lost.
              const before = await sum.load(0)
              await setImmediate()
              await sum.store(0, before + item)
            }),
          { chunk: 1 },
        )
        assert.equal(await sum.load(0), (COUNT * (COUNT - 1)) / 2)
        await communicator.barrier()
        await sum.close()
      }),
  },
  {
    name: 'ordered sections run in the order of the items; items without one hold nobody up',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const log = await communicator.createWindow({ length: COUNT + 1 })
        for (const chunk of [1, 3, undefined]) {
          if (communicator.rank === 0) await log.write(0, new Int32Array(COUNT + 1))
          await communicator.barrier()
          await pool.map(COUNT, async (item) => passInOrder(pool, log, item), chunk ? { chunk } : {})
          const expected = Array.from({ length: COUNT }, (_, item) => item).filter((item) => item % 3 !== 1)
          const found = await log.read(0, COUNT + 1)
          assert.deepEqual(
            [...found],
            [expected.length, ...expected, ...new Array(COUNT - expected.length).fill(0)],
          )
          await communicator.barrier()
        }
        await log.close()
      }),
  },
  {
    name: 'what a function throws reaches every rank with item, rank and stack, and the pool goes on',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        for (const bad of [0, 7, COUNT - 1]) {
          const failing = pool.map(COUNT, (item) => failAt(item, bad), { chunk: 2 })
          const error = await assertFails(failing, WORK)
          assert.ok(error instanceof WorkError)
          const { index, rank, phase, host } = error.details
          assert.deepEqual([index, phase, typeof rank, typeof host], [bad, 'work', 'number', 'string'])
          assert.match(
            error.message,
            new RegExp(`item ${bad} failed on rank \\d+ .*RangeError: too bad`, 's'),
          )
          assert.match(error.message, /at failAt/)
          assert.ok(error.cause instanceof Error)
          assert.deepEqual([error.cause.name, error.cause.message], ['RangeError', 'too bad'])
          assert.match(String(error.cause.stack), /at failAt/)
          assert.deepEqual(await pool.map(3, (item) => item), communicator.rank === 0 ? [0, 1, 2] : undefined)
        }
      }),
  },
  {
    name: 'a reduce that throws, and a result that no message can hold, end the map on every rank',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const root = communicator.size - 1
        const reduced = pool.map(COUNT, (item) => item, {
          root,
          reduce: (_, index) => failAt(index, 5),
        })
        const { details } = (await assertFails(reduced, WORK)) as WorkError
        assert.deepEqual([details.index, details.phase, details.rank], [5, 'reduce', root])
        if (communicator.size === 1) return
        const functions = pool.map(COUNT, (item) => (communicator.rank > 0 ? assertFails : item), {
          chunk: 1,
        })
        // The root may have been quicker than all others.
        const outcome = await functions.catch((error: unknown) => error)
        if (outcome instanceof Error) assert.match(outcome.message, /can't be sent to another rank/)
      }),
  },
  {
    name: 'a map that fails wakes those who wait for their turn or for critical',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const first = pool.map(
          COUNT,
          async (item) => {
            if (item === 0) {
              await setImmediate()
              throw new Error('the first')
            }
            await pool.ordered(() => undefined)
          },
          { chunk: 1 },
        )
        assert.match((await assertFails(first, WORK)).message, /item 0 .*the first/s)
        const inside = pool.map(
          COUNT,
          (item) =>
            pool.critical(async () => {
              await setImmediate()
              if (item === COUNT / 2) throw new Error('in the middle')
            }),
          { chunk: 1 },
        )
        assert.match((await assertFails(inside, WORK)).message, /item 20 .*in the middle/s)
        const order: number[] = []
        await pool.map(6, (item) => pool.ordered(() => pool.critical(() => order.push(item))), { chunk: 1 })
        assert.deepEqual(order, [...order].sort())
      }),
  },
  {
    name: 'map refuses on every rank what one rank asks wrongly, and what ranks ask differently',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const last = communicator.rank === communicator.size - 1
        const usage = 'ERR_MPIBATCH_USAGE'
        const work = (item: number): number => item
        await assertFails(pool.map(last ? -1 : 3, work), usage)
        await assertFails(pool.map(3, last ? (undefined as never) : work), usage)
        await assertFails(pool.map(3, work, { chunk: last ? 0 : 1 }), usage)
        await assertFails(pool.map(3, work, { root: last ? communicator.size : 0 }), usage)
        if (communicator.size > 1) {
          const mismatch = 'ERR_MPIBATCH_CONFIG_MISMATCH'
          await assertFails(pool.map(last ? 4 : 3, work), mismatch)
          await assertFails(pool.map(last ? [1, 2] : [1, 3], work), mismatch)
          await assertFails(pool.map(3, work, { root: last ? 1 : 0 }), mismatch)
          await assertFails(pool.map(3, work, last ? { chunk: 1 } : {}), mismatch)
          await assertFails(MapReduce.open({ communicator, debug: last }), mismatch)
        }
        assert.deepEqual(await pool.map(2, work), communicator.rank === 0 ? [0, 1] : undefined)
      }),
  },
  {
    name: 'ordered is refused outside of work, twice for an item, and inside critical; a map inside a map too',
    run: (communicator) =>
      withPool(communicator, async (pool) => {
        const usage = 'ERR_MPIBATCH_USAGE'
        await assertFails(
          pool.ordered(() => undefined),
          usage,
        )
        const codes = await pool.map(
          communicator.size,
          async () => {
            const nested = assertFails(
              pool.map(1, () => 1),
              usage,
            )
            const inside = pool.critical(() =>
              assertFails(
                pool.ordered(() => 1),
                usage,
              ),
            )
            await Promise.all([nested, inside])
            await pool.ordered(() => 1)
            await assertFails(
              pool.ordered(() => 2),
              usage,
            )
            return 'refused'
          },
          { chunk: 1 },
        )
        const expected = new Array(communicator.size).fill('refused')
        assert.deepEqual(codes, communicator.rank === 0 ? expected : undefined)
      }),
  },
  {
    name: 'debug runs all on the root, in order, each reduce right after its item',
    run: async (communicator) => {
      const root = communicator.size - 1
      const pool = await MapReduce.open({ communicator, debug: true })
      const steps: string[] = []
      await pool.map(
        4,
        async (item) => {
          await pool.ordered(() => pool.critical(() => steps.push(`work ${item}`)))
          return item
        },
        { root, chunk: 3, reduce: (_, index) => steps.push(`reduce ${index}`) },
      )
      const expected = [0, 1, 2, 3].flatMap((item) => [`work ${item}`, `reduce ${item}`])
      assert.deepEqual(steps, communicator.rank === root ? expected : [])
      await assertFails(
        pool.map(4, (item) => failAt(item, 2)),
        WORK,
      )
      await pool.close()
    },
  },
  {
    name: 'pools of two halves of a communicator, and two pools of one, are apart',
    run: async (communicator) => {
      const half = await splitInto(communicator, communicator.rank % 2)
      const pools = [
        await MapReduce.open({ communicator: half }),
        await MapReduce.open({ communicator: half }),
        await MapReduce.open({ communicator: null }),
      ]
      const all = await Promise.all(
        pools.map((pool, which) => pool.map(COUNT, (item) => item + 100 * which + (communicator.rank % 2))),
      )
      for (const [which, results] of all.entries()) {
        const expected = Array.from(
          { length: COUNT },
          (_, item) => item + 100 * which + (communicator.rank % 2),
        )
        assert.deepEqual(results, half.rank === 0 || which === 2 ? expected : undefined)
      }
      for (const pool of pools) await pool.close()
      await half.close()
    },
  },
  {
    name: 'a closed pool refuses, and is not closed in the middle of a map',
    run: async (communicator) => {
      const pool = await MapReduce.open({ communicator })
      const mapping = pool.map(3, (item) => item)
      await assertFails(pool.close(), 'ERR_MPIBATCH_USAGE')
      await mapping
      await pool.close()
      await assertFails(
        pool.map(3, (item) => item),
        'ERR_MPIBATCH_CLOSED',
      )
    },
  },
]

async function withPool(
  communicator: Communicator,
  run: (pool: MapReduce) => Promise<unknown>,
): Promise<void> {
  const pool = await MapReduce.open({ communicator })
  await run(pool)
  await pool.close()
}

function failAt(item: number, bad: number): number {
  if (item === bad) throw new RangeError('too bad')
  return item
}

/** Writes the item behind those that have passed, whose number stands in word 0; not atomic. */
async function passInOrder(pool: MapReduce, log: SharedWindow, item: number): Promise<void> {
  if (item % 3 === 1) return
  await pool.ordered(async () => {
    const count = await log.load(0)
    await setImmediate()
    await log.store(1 + count, item)
    await log.store(0, count + 1)
  })
}
