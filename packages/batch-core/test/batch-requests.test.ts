/** Claims of tasks in other states than OPEN, asked for call by call. */
import { describe, expect, it } from 'vitest'
import {
  type Batch,
  type ClaimableStates,
  type ClaimOutcome,
  MemoryStateStore,
  openBatchWith,
  STATE_CODE,
} from '../src/index.ts'
import { names, openInMemory, providerOf } from './batches.ts'
import { createNodes } from './nodes.ts'

/** Takes so many tasks and fails them again; names them. */
async function failSome(batch: Batch, count: number, claimable: ClaimableStates): Promise<number[]> {
  const taken: number[] = []
  for (let turn = 0; turn < count; turn += 1) {
    const task = await batch.nextTask(claimable)
    if (task === undefined) break
    taken.push(task.index)
    await task.fail()
  }
  return taken
}

describe('a call that asks for failed tasks', () => {
  it('gets OPEN ones first, then goes round the failed ones, so that none keeps the others from their turn', async () => {
    const initialStates = ['FAILED', 'OPEN', 'DONE', 'FAILED', 'OPEN'] as const
    const batch = await openInMemory({ tasks: names(5), initialStates })
    expect(await failSome(batch, 8, { retryFailed: true })).toEqual([1, 4, 0, 1, 3, 4, 0, 1])
    expect(await batch.nextTask()).toBeUndefined()
    expect(await batch.close()).toMatchObject({ FAILED: 4, DONE: 1 })
  })

  it('does not wait for the delay of a retry, which then counts for this failure', async () => {
    const batch = await openInMemory({ tasks: ['a'], retries: 2, retryDelayMs: 3_000_000 })
    expect(await failSome(batch, 5, { retryFailed: true })).toEqual([0, 0, 0, 0, 0])
    expect(await batch.close()).toMatchObject({ FAILED: 1 })
  })

  it('leaves tasks in other states alone, and takes nothing when it is over', async () => {
    const initialStates = ['DONE', 'RUNNING', 'DONE'] as const
    const batch = await openInMemory({ tasks: names(3), initialStates })
    expect(await batch.nextTask({ retryFailed: true })).toBeUndefined()
    expect(await batch.states()).toEqual(['DONE', 'ELSEWHERE', 'DONE'])
    await batch.close()
    await expect(batch.nextTask({ rerun: true })).rejects.toThrow('closed')
  })
})

describe('a call that asks for what others run', () => {
  it('tries each once, and hears of all that it could not have', async () => {
    const tried: number[] = []
    class HeldStore extends MemoryStateStore {
      override claim(
        taskIndex: number,
        options: { readonly lastSeen: number; readonly from: ClaimableStates },
      ): Promise<ClaimOutcome> {
        expect(options.from).toMatchObject({ stealRunning: true })
        tried.push(taskIndex)
        const slot = options.lastSeen + 1
        if (taskIndex === 1) return Promise.resolve({ kind: 'settled', slot, state: 'DONE' })
        return Promise.resolve({ kind: 'elsewhere', slot, owner: 'quick' })
      }
    }
    const codes = Uint8Array.from([0, 1, 2, 3], () => STATE_CODE.ELSEWHERE)
    const provider = providerOf((count) => new HeldStore(count, codes))
    const batch = await openBatchWith({ root: 'any', tasks: names(4) }, () => provider)
    const heard: number[] = []
    batch.on('elsewhere', ({ index }) => heard.push(index))
    expect(await batch.nextTask({ stealRunning: true })).toBeUndefined()
    expect([tried, heard]).toEqual([
      [0, 1, 2, 3],
      [0, 2, 3],
    ])
    expect(await batch.close()).toMatchObject({ DONE: 1, ELSEWHERE: 3 })
  })
})

describe('on several nodes, a call that asks for tasks that had ended', () => {
  it('finds all of them, wherever in a long list, each on one node', async () => {
    const count = 5000
    const initialStates = names(count).map((_, index) => (index % 1000 === 999 ? 'FAILED' : 'DONE'))
    const taken = await Promise.all(
      createNodes([0, 0, 1, 2]).map(async (communicator) => {
        const batch = await openInMemory({ tasks: names(count), initialStates, communicator })
        const mine: number[] = []
        for (;;) {
          const task = await batch.nextTask({ retryFailed: true })
          if (task === undefined) break
          mine.push(task.index)
          await task.done()
        }
        expect(await batch.close()).toMatchObject({ DONE: count, FAILED: 0 })
        return mine
      }),
    )
    expect(taken.flat().sort((one, other) => one - other)).toEqual([999, 1999, 2999, 3999, 4999])
  })
})
