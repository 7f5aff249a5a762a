import { expect, it } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { createLoopback } from '../src/testing/index.ts'
import { createTokenQueue, type TokenQueue } from '../src/token-queue.ts'

/** Makes the queue, and gives away the words under it. */
async function openQueue(communicator: Communicator): Promise<{ queue: TokenQueue; words: Int32Array }> {
  let words: Int32Array | undefined
  const createWindow = communicator.createWindow.bind(communicator)
  communicator.createWindow = async (options) => {
    const window = await createWindow(options)
    words = window.words
    return window
  }
  const queue = await createTokenQueue(communicator)
  if (words === undefined) throw new Error('Loopback ranks share memory')
  return { queue, words }
}

it('passes the token to the rank that has swapped the tail now, however late it says who it is', async () => {
  const [first, second, third] = await Promise.all(createLoopback(3).map(openQueue))
  if (!first || !second || !third) throw new Error('Three ranks gave fewer than three queues')
  const { words } = first
  // Rank 1 has been behind rank 0 before, and must not get the token a second time.
  await first.queue.enter()
  const behind = second.queue.enter()
  await first.queue.leave()
  await behind
  await second.queue.leave()

  await first.queue.enter()
  const [tail, nextOfFirst, tokenOfThird] = [0, 1, 6]
  // Rank 2, stopped between its two steps, as a thread that lost its processor.
  Atomics.exchange(words, tail, 3)
  let left = false
  const leaving = first.queue.leave().then(() => {
    left = true
  })
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(left).toBe(false)
  Atomics.store(words, tokenOfThird, 1)
  Atomics.store(words, nextOfFirst, 3)
  await leaving
  expect(Atomics.load(words, tokenOfThird)).toBe(3)
  await third.queue.leave()
  expect(Atomics.load(words, tail)).toBe(0)
  await Promise.all([first, second, third].map(({ queue }) => queue.close()))
})
