import assert from 'node:assert/strict'
import { assertFails, type CommunicatorContractCase } from './contract-case.ts'

const ADDITIONS = 500
const PAIRS = 200

/** What holds for shared windows. */
export const windowCases: readonly CommunicatorContractCase[] = [
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
    name: 'words that are not there and values that are no Int32 are refused',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 2 })
      for (const index of [-1, 2, 0.5]) await assertFails(window.load(index), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.store(0, 2147483648), 'ERR_MPIBATCH_USAGE')
      await assertFails(window.fetchAdd(0, 0.5), 'ERR_MPIBATCH_USAGE')
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
    },
  },
]
