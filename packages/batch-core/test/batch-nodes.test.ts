import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  type Batch,
  type BatchOptions,
  type Communicator,
  type LoadedStates,
  MemoryStateStore,
  type Outlook,
  openBatchWith,
  STATE_CODE,
  type StateStoreProvider,
  StoreUnusableError,
} from '../src/index.ts'
import { batchCases } from '../src/testing/contract-batch.ts'
import { names, providerOf } from './batches.ts'
import { createNodes } from './nodes.ts'

const { OPEN, DONE, FAILED, ELSEWHERE, INVALID } = STATE_CODE

/** A store that starts with these states; what ran elsewhere comes free at the first look. */
class PreparedStore extends MemoryStateStore {
  override reconsider(taskIndices: readonly number[]): Promise<Outlook> {
    return Promise.resolve({ ready: taskIndices, owners: [] })
  }
}

function prepared(codes: readonly number[]): StateStoreProvider {
  return providerOf((count) => new PreparedStore(count, Uint8Array.from(codes)))
}

function openOn(
  communicator: Communicator,
  options: BatchOptions,
  provider?: StateStoreProvider,
): Promise<Batch> {
  const root = provider === undefined ? null : 'any'
  return openBatchWith({ root, communicator, ...options }, () => {
    if (provider === undefined) throw new Error('a batch without a root asked for a store')
    return provider
  })
}

/** Waits until a condition holds, for at most ten seconds. */
async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 10_000; !(await condition()); await pause(5)) {
    if (performance.now() > end) throw new Error(`Waited too long: ${what}`)
  }
}

describe.each([
  { nodeOf: [0, 1], groupSize: 1 },
  { nodeOf: [0, 0, 1], groupSize: 1 },
  { nodeOf: [1, 0, 0, 1], groupSize: 1 },
  { nodeOf: [0, 0, 1, 1], groupSize: 2 },
  { nodeOf: [0, 0, 0, 1], groupSize: 2 },
  { nodeOf: [0, 1, 2, 3], groupSize: 4 },
])('a batch on nodes $nodeOf in groups of $groupSize', ({ nodeOf, groupSize }) => {
  it('gives each task to one group, and to every member of it, and counts right on every rank', async () => {
    const seen = await Promise.all(
      createNodes(nodeOf).map(async (communicator) => {
        const batch = await openOn(communicator, { tasks: names(60), groupSize })
        const mine: number[] = []
        for await (const task of batch) {
          expect(await batch.group.allreduce(task.index, 'sum')).toBe(task.index * groupSize)
          mine.push(task.index)
          await (task.index % 10 === 3 ? task.fail() : task.done())
        }
        expect(await batch.close()).toEqual({
          OPEN: 0,
          RUNNING: 0,
          DONE: 54,
          FAILED: 6,
          INVALID: 0,
          ELSEWHERE: 0,
        })
        return mine
      }),
    )
    expect(seen.flat().sort((one, other) => one - other)).toEqual(
      Array.from({ length: 60 * groupSize }, (_, position) => Math.floor(position / groupSize)),
    )
  })

  it('leaves ended tasks alone, and runs those that ran elsewhere once they come free', async () => {
    const codes = names(24).map(
      (_, index) => [OPEN, DONE, ELSEWHERE, FAILED, INVALID, ELSEWHERE][index % 6] ?? OPEN,
    )
    const provider = prepared(codes)
    const seen = await Promise.all(
      createNodes(nodeOf).map(async (communicator) => {
        const batch = await openOn(communicator, { tasks: names(24), groupSize }, provider)
        const mine: number[] = []
        await batch.run((task) => void (batch.group.rank === 0 && mine.push(task.index)))
        expect(await batch.close()).toMatchObject({ DONE: 16, FAILED: 4, INVALID: 4, ELSEWHERE: 0, OPEN: 0 })
        return mine
      }),
    )
    expect(seen.flat().sort((one, other) => one - other)).toEqual(
      [...codes.keys()].filter((index) => [OPEN, ELSEWHERE].includes(codes[index] ?? INVALID)),
    )
  })

  it('runs failed tasks and those of others when that is asked for, and failures again', async () => {
    const codes = names(12).map((_, index) => [OPEN, FAILED, ELSEWHERE][index % 3] ?? OPEN)
    const provider = prepared(codes)
    let failures = 0
    await Promise.all(
      createNodes(nodeOf).map(async (communicator) => {
        const options = { retryFailed: true, stealRunning: true, retries: 1, retryDelayMs: 0 }
        const batch = await openOn(communicator, { tasks: names(12), groupSize, ...options }, provider)
        await batch.run((task) => {
          if (task.index % 2 === 1 || task.attempt > 1) return
          if (batch.group.rank === 0) failures += 1
          throw new Error('at first')
        })
        expect(await batch.close()).toMatchObject({ DONE: 12, FAILED: 0, ELSEWHERE: 0, OPEN: 0 })
      }),
    )
    expect(failures).toBe(6)
  })
})

describe.each([[[0, 1]], [[0, 0, 1]], [[1, 0, 0, 1]], [[0, 1, 2]]])('on ranks of nodes %j', (nodeOf) => {
  it.each(batchCases)('$name', async ({ run }) => {
    await Promise.all(createNodes(nodeOf).map(run))
  })
})

describe('a batch on two nodes', () => {
  it('shows on one node what became of tasks on the other: counts, and states where no store keeps them', async () => {
    await Promise.all(
      createNodes([0, 1]).map(async (communicator) => {
        const batch = await openOn(communicator, { tasks: names(4) })
        const task = await batch.nextTask()
        if (task === undefined) throw new Error('A rank got no task')
        const [other] = (await communicator.allgather(task.index)).filter((index) => index !== task.index)
        expect(await batch.getTaskState(task.index)).toBe('RUNNING')
        await waitUntil(async () => (await batch.getTaskState(other ?? -1)) === 'RUNNING', 'the state')
        await waitUntil(() => batch.counts().RUNNING === 2, 'the other count')
        await communicator.barrier()
        await (communicator.rank === 0 ? task.done() : task.fail())
        const expected = communicator.rank === 0 ? 'FAILED' : 'DONE'
        await waitUntil(async () => (await batch.getTaskState(other ?? -1)) === expected, 'the end')
        await waitUntil(() => batch.counts().DONE + batch.counts().FAILED === 2, 'the counts')
        expect(await batch.close()).toMatchObject({ DONE: 1, FAILED: 1, OPEN: 2, RUNNING: 0 })
      }),
    )
  })

  it('says once on each node for whom it waits', async () => {
    class WaitingStore extends PreparedStore {
      override readonly lookIntervalMs = 1
      #looks = 0
      override reconsider(taskIndices: readonly number[]): Promise<Outlook> {
        this.#looks += 1
        if (this.#looks > 1) return super.reconsider(taskIndices)
        const [taskIndex = 0] = taskIndices
        const owner = { owner: 'x', host: 'far', taskCount: taskIndices.length, taskIndex, alive: false }
        return Promise.resolve({ ready: [], owners: [owner] })
      }
    }
    const codes = Uint8Array.of(ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE)
    const create = (): Promise<WaitingStore> => Promise.resolve(new WaitingStore(4, codes))
    const heard: string[] = []
    await Promise.all(
      createNodes([0, 0, 1, 1]).map(async (communicator) => {
        const onFault = (message: string): void => void heard.push(`${communicator.rank}: ${message}`)
        const provider = { open: create, attach: create, join: create }
        const batch = await openOn(communicator, { tasks: names(4), onFault }, provider)
        await batch.run(() => undefined)
        expect(await batch.close()).toMatchObject({ DONE: 4 })
      }),
    )
    expect(heard.sort()).toEqual([
      expect.stringMatching(/^0: Waiting .* instance x on far, which has task "t0" and 1 more/),
      expect.stringMatching(/^2: Waiting .* instance x on far, which has task "t2" and 1 more/),
    ])
  })

  it('starts nothing more on any node once a stop is asked for, and gives nothing back that it did not take', async () => {
    const stop = new AbortController()
    const started: number[] = []
    const counts = await Promise.all(
      createNodes([0, 1]).map(async (communicator) => {
        const batch = await openOn(communicator, { tasks: names(100), signal: stop.signal })
        for await (const task of batch) {
          started.push(task.index)
          if (started.length === 5) stop.abort()
          await task.done()
        }
        return await batch.close()
      }),
    )
    expect(started.length).toBeLessThanOrEqual(6)
    for (const count of counts)
      expect(count).toMatchObject({ DONE: started.length, OPEN: 100 - started.length })
  })

  it('starts tasks in the order that was asked for', async () => {
    const started: number[] = []
    await Promise.all(
      createNodes([0, 1]).map(async (communicator) => {
        const batch = await openOn(communicator, { tasks: names(40) })
        await batch.run((task) => void started.push(task.index))
        await batch.close()
      }),
    )
    // A node works off its chunk of at most a quarter, so no task starts before those that are much further in front.
    for (const [position, index] of started.entries())
      expect(Math.abs(position - index)).toBeLessThanOrEqual(20)
  })

  it('is opened by no rank when one can not join its store, and all hear which and why', async () => {
    const closed: number[] = []
    const results = await Promise.allSettled(
      createNodes([0, 1, 1]).map((communicator) => {
        const create = (): Promise<MemoryStateStore> => {
          const store = new MemoryStateStore(1)
          store.close = () => Promise.resolve(void closed.push(communicator.rank))
          return Promise.resolve(store)
        }
        const join = (): Promise<MemoryStateStore> =>
          communicator.rank === 2 ? Promise.reject(new StoreUnusableError('no such root here')) : create()
        return openOn(communicator, { tasks: ['a'] }, { open: create, attach: create, join })
      }),
    )
    for (const [rank, result] of results.entries()) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          constructor: StoreUnusableError,
          message: rank === 2 ? 'no such root here' : 'Rank 2 could not open the batch: no such root here',
        },
      })
    }
    expect(closed.sort()).toEqual([0, 1])
  })

  it('is joined by leaders, used by members as what their leader has, loaded last, and closed from the end', async () => {
    const calls: string[] = []
    await Promise.all(
      createNodes([0, 0, 1, 1]).map(async (communicator) => {
        const { rank } = communicator
        const create = (call: string) => (): Promise<MemoryStateStore> => {
          calls.push(`${rank} ${call}`)
          const store = new MemoryStateStore(1)
          store.load = (): Promise<LoadedStates> => {
            calls.push(`${rank} loads`)
            return Promise.resolve({ codes: Uint8Array.of(OPEN), faults: [] })
          }
          store.close = () => Promise.resolve(void calls.push(`${rank} closes`))
          return Promise.resolve(Object.assign(store, { portableTicket: rank }))
        }
        const provider: StateStoreProvider = {
          open: create('opens'),
          join: (ticket) => create(`joins ${ticket}`)(),
          attach: (ticket) => create(`attaches to ${ticket}`)(),
        }
        const batch = await openOn(communicator, { tasks: ['a'], groupSize: 2 }, provider)
        await batch.close()
      }),
    )
    expect([...calls.slice(0, 2), ...calls.slice(2, 4).sort(), calls[4]]).toEqual([
      '0 opens',
      '2 joins 0',
      '1 attaches to 0',
      '3 attaches to 2',
      '0 loads',
    ])
    expect([...calls.slice(5, 7).sort(), ...calls.slice(7)]).toEqual([
      '1 closes',
      '3 closes',
      '2 closes',
      '0 closes',
    ])
  })
})
