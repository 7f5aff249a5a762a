import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Communicator } from '../communicator.ts'
import type { SharedWindow } from '../shared-window.ts'
import { TokenLock } from '../token-lock.ts'
import { type ContractCase, splitInto } from './contract-case.ts'

const ROUNDS = 20

/** What a lock over any communicator promises; pshmem's MPILock, and several of them at once. */
export const lockCases: readonly ContractCase[] = [
  {
    name: 'a counter that is read and written in two steps under a lock loses nothing',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 1 })
      const lock = await TokenLock.create(communicator)
      for (let round = 0; round < ROUNDS; round += 1) await lock.withLock(() => addOne(window))
      await communicator.barrier()
      assert.equal(await window.load(0), ROUNDS * communicator.size)
      await lock.close()
      await window.close()
    },
  },
  {
    name: 'several locks of one communicator, held at once, never take each other for the same',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 3 })
      const locks = await createLocks(communicator, 3)
      // Each rank holds two of three, in the order of their numbers, as whoever nests locks has to.
      for (let round = 0; round < ROUNDS; round += 1) {
        const skipped = (round + communicator.rank) % 3
        const [first = 0, second = 0] = [0, 1, 2].filter((index) => index !== skipped)
        await locks[first]?.withLock(() =>
          locks[second]?.withLock(async () => {
            await addOne(window, first)
            await addOne(window, second)
          }),
        )
      }
      await communicator.barrier()
      const counts = await window.read(0, 3)
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        2 * ROUNDS * communicator.size,
      )
      for (const lock of locks) await lock.close()
      await window.close()
    },
  },
  {
    name: 'locks of two halves of a communicator are apart',
    run: async (communicator) => {
      const half = await splitInto(communicator, communicator.rank % 2)
      const lock = await TokenLock.create(half)
      // The first member of each half waits inside its lock for the other: a lock of all would let them wait for ever.
      await lock.withLock(async () => {
        if (half.rank === 0) await meetOtherHalf(communicator)
      })
      await lock.close()
      await half.close()
    },
  },
]

async function createLocks(communicator: Communicator, count: number): Promise<TokenLock[]> {
  const locks: TokenLock[] = []
  for (let index = 0; index < count; index += 1) locks.push(await TokenLock.create(communicator))
  return locks
}

/** Not atomic: whoever else does it between the two steps is lost. */
async function addOne(window: SharedWindow, index = 0): Promise<void> {
  const value = await window.load(index)
  await setImmediate()
  await window.store(index, value + 1)
}

/** The first members of both halves, ranks 0 and 1, exchange a message. */
async function meetOtherHalf(communicator: Communicator): Promise<void> {
  if (communicator.size < 2) return
  const peer = 1 - communicator.rank
  await communicator.send('inside', { destination: peer })
  const { data } = await communicator.receive({ source: peer })
  assert.equal(data, 'inside')
}
