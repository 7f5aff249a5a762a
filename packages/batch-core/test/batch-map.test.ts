import { describe, expect, it } from 'vitest'
import {
  type Awaitable,
  type ClaimOutcome,
  MemoryStateStore,
  openBatchWith,
  StateIoError,
  UsageError,
} from '../src/index.ts'
import { names, onRanks, openInMemory, providerOf } from './batches.ts'

describe('a map in memory', () => {
  it('holds values from one call to the next, but not of tasks that were run again', async () => {
    const batch = await openInMemory({ tasks: names(3) })
    const first = await batch.map((task) => ({ index: task.index }))
    expect(first.map((result) => result.ok && result.value)).toEqual([
      { index: 0 },
      { index: 1 },
      { index: 2 },
    ])
    await (await batch.nextTask({ rerun: true }))?.done()
    const second = await batch.map(() => expect.unreachable('nothing is left'))
    expect(second).toEqual([
      {
        ok: false,
        index: 0,
        name: 't0',
        state: 'DONE',
        message: 'It is DONE, but no value was kept with it: something else than map has ended it.',
      },
      first[1],
      first[2],
    ])
    await batch.close()
    await expect(batch.map(() => 1)).rejects.toThrow('closed')
  })

  it('has the value of a retry where the first attempt failed, and no word of the failure', async () => {
    const batch = await openInMemory({ tasks: names(2), retries: 1, retryDelayMs: 0 })
    const results = await batch.map((task) => {
      if (task.attempt === 1 && task.index === 1) throw new Error('at first')
      return task.attempt
    })
    expect(results.map((result) => result.ok && result.value)).toEqual([1, 2])
    await batch.close()
  })

  it('fails a task whose value can not be sent, and holds up no rank', async () => {
    await onRanks(3, async (communicator) => {
      const batch = await openInMemory({ tasks: names(9), communicator })
      const results = await batch.map((task) => (task.index === 4 ? () => 'a function' : task.index))
      for (const result of results) {
        if (result.index !== 4) expect(result).toMatchObject({ ok: true, value: result.index })
        else {
          const message = expect.stringMatching(/^UsageError: This can't be sent to another rank/)
          expect(result).toMatchObject({ ok: false, state: 'FAILED', message })
        }
      }
      expect(await batch.close()).toMatchObject({ DONE: 8, FAILED: 1 })
    })
  })

  it('that a rank can not go on with throws on all of them, with the error and the rank', async () => {
    class BrokenStore extends MemoryStateStore {
      override claim(taskIndex: number, options: { readonly lastSeen: number }): Awaitable<ClaimOutcome> {
        if (taskIndex === 5) return Promise.reject(new StateIoError('the disk is gone'))
        return super.claim(taskIndex, options)
      }
    }
    const provider = providerOf((count) => new BrokenStore(count))
    const messages = await onRanks(4, async (communicator) => {
      const options = { root: 'any', tasks: names(9), communicator, groupSize: 2, rootRank: 1 }
      const batch = await openBatchWith(options, () => provider)
      const error: unknown = await batch.map(() => 1).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StateIoError)
      await batch.close()
      return (error as Error).message
    })
    const told = messages.filter((message) => message !== 'the disk is gone')
    expect(told).toHaveLength(2)
    for (const message of told)
      expect(message).toMatch(/^Rank [02] could not go on with the map: the disk is gone$/)
  })

  it('refuses a body that ends its task and asks for its value all the same, by saying so in the result', async () => {
    const batch = await openInMemory({ tasks: names(1) })
    const [result] = await batch.map(async (task) => {
      await task.done()
      expect(() => task.done()).toThrow(UsageError)
      return 'too late'
    })
    expect(result).toMatchObject({ ok: false, state: 'DONE' })
    await batch.close()
  })
})
