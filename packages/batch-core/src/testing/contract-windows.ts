import assert from 'node:assert/strict'
import { assertFails, type ContractCase } from './contract-case.ts'

const ADDITIONS = 500
const PAIRS = 200
const BLOCK = 40
/** Below and above 0, and so large that sums of them wrap around. */
const ADDENDS: Int32Array = Int32Array.from({ length: BLOCK }, (_, index) => (index - 2) * 99_999_999)

function blockOf(rank: number): Int32Array {
  return Int32Array.from(
    { length: BLOCK },
    (_, index) => (index % 2 === 0 ? 1 : -1) * (rank * BLOCK + index + 1),
  )
}

/** What holds for shared windows. */
export const windowCases: readonly ContractCase[] = [
  {
    name: 'a new window is all zero and shows every member what any member stored',
    run: async (communicator) => {
      const { rank, size } = communicator
      const window = await communicator.createWindow({ length: size + 2 })
      assert.equal(window.length, size + 2)
      for (let index = 0; index < window.length; index += 1) assert.equal(await window.load(index), 0)
      await communicator.barrier()
      await window.store(rank, -(rank + 1))
      await communicator.barrier()
      for (let index = 0; index < size; index += 1) assert.equal(await window.load(index), -(index + 1))
      await window.close()
    },
  },
  {
    name: 'fetchAdd under contention loses nothing and gives every value once',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 1 })
      const mine: number[] = []
      for (let index = 0; index < ADDITIONS; index += 1) mine.push(await window.fetchAdd(0, 1))
      const seen = (await communicator.allgather(mine)).flat().sort((left, right) => left - right)
      assert.deepEqual(
        seen,
        Array.from({ length: ADDITIONS * communicator.size }, (_, index) => index),
      )
      await window.close()
    },
  },
  {
    name: 'compareExchange lets one rank win and tells the others what stands there',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: PAIRS })
      const own = communicator.rank + 1
      const wins: number[] = []
      for (let index = 0; index < PAIRS; index += 1) {
        const before = await window.compareExchange(index, 0, own)
        if (before === 0) wins.push(index)
        else assert.equal(before, await window.load(index))
      }
      const all = (await communicator.allgather(wins)).flat().sort((left, right) => left - right)
      assert.deepEqual(
        all,
        Array.from({ length: PAIRS }, (_, index) => index),
      )
      await window.close()
    },
  },
  {
    name: 'exchange under contention hands each value on exactly once',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 1 })
      const first = 1 + communicator.rank * PAIRS
      const got: number[] = []
      for (let index = 0; index < PAIRS; index += 1) got.push(await window.exchange(0, first + index))
      await communicator.barrier()
      const all = [...(await communicator.allgather(got)).flat(), await window.load(0)]
      assert.deepEqual(
        all.sort((left, right) => left - right),
        Array.from({ length: PAIRS * communicator.size + 1 }, (_, value) => value),
      )
      await window.close()
    },
  },
  {
    name: 'sums in a window wrap around like Int32',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: communicator.size })
      await window.store(communicator.rank, 2147483647)
      assert.equal(await window.fetchAdd(communicator.rank, 1), 2147483647)
      assert.equal(await window.load(communicator.rank), -2147483648)
      await window.close()
    },
  },
  {
    name: 'a block of words is written and read whole, also an empty one at the end',
    run: async (communicator) => {
      const { rank, size } = communicator
      const window = await communicator.createWindow({ length: BLOCK * size })
      await window.write(BLOCK * rank, blockOf(rank))
      await communicator.barrier()
      for (let other = 0; other < size; other += 1) {
        assert.deepEqual(await window.read(BLOCK * other, BLOCK), blockOf(other))
      }
      const across = await window.read(1, BLOCK * size - 1)
      assert.equal(across[0], blockOf(0)[1])
      assert.equal(across.at(-1), blockOf(size - 1).at(-1))
      assert.deepEqual(await window.read(window.length, 0), new Int32Array(0))
      await window.write(window.length, new Int32Array(0))
      await window.close()
    },
  },
  {
    name: 'a block that is read is a copy, and a block that was written may be used again',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: communicator.size })
      const values = Int32Array.of(5)
      await window.write(communicator.rank, values)
      values[0] = 6
      const read = await window.read(communicator.rank, 1)
      read[0] = 7
      assert.equal(await window.load(communicator.rank), 5)
      await window.close()
    },
  },
  {
    name: 'accumulate under contention loses nothing, word by word, and wraps around like Int32',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: BLOCK + 1 })
      for (let round = 0; round < PAIRS; round += 1) await window.accumulate(1, ADDENDS)
      await communicator.barrier()
      const times = PAIRS * communicator.size
      assert.deepEqual(
        await window.read(0, BLOCK + 1),
        Int32Array.of(0, ...ADDENDS.map((addend) => Math.imul(addend, times))),
      )
      await window.close()
    },
  },
  {
    name: 'words that are not there and values that are no Int32 are refused',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 2 })
      for (const index of [-1, 2, 0.5]) await assertFails(window.load(index), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.store(0, 2147483648), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.fetchAdd(0, 0.5), 'ERR_MPIBATCH_USAGE')
      for (const [index, count] of [
        [-1, 1],
        [1, 2],
        [3, 0],
        [0, -1],
        [0, 0.5],
        [0.5, 1],
      ] as const) {
        await assertFails(window.read(index, count), 'ERR_MPIBATCH_USAGE')
      }
      await assertFails(window.write(1, new Int32Array(2)), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.accumulate(-1, new Int32Array(1)), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.write(0, [1] as never), 'ERR_MPIBATCH_USAGE')
      assert.deepEqual(await window.read(0, 2), new Int32Array(2))
      await window.close()
    },
  },
  {
    name: 'a window needs the same length on all ranks, and says so to all',
    run: async (communicator) => {
      if (communicator.size === 1) return
      const length = communicator.rank === 0 ? 1 : 2
      await assertFails(communicator.createWindow({ length }), 'ERR_MPIBATCH_CONFIG_MISMATCH')
    },
  },
  {
    name: 'operations on a closed window fail',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 1 })
      await window.close()
      const closed = 'ERR_MPIBATCH_CLOSED'
      await assertFails(window.load(0), closed)
      await assertFails(window.store(0, 1), closed)
      await assertFails(window.fetchAdd(0, 1), closed)
      await assertFails(window.exchange(0, 1), closed)
      await assertFails(window.compareExchange(0, 0, 1), closed)
      await assertFails(window.read(0, 1), closed)
      await assertFails(window.write(0, new Int32Array(1)), closed)
      await assertFails(window.accumulate(0, new Int32Array(1)), closed)
    },
  },
]
