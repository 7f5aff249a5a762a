import { afterEach, describe, expect, it } from 'vitest'
import {
  type Awaitable,
  type ClaimOutcome,
  ClosedError,
  ConfigMismatchError,
  FencedError,
  ForeignWriterError,
  isLegalTransition,
  type LeaseState,
  MemoryStateStore,
  type Outlook,
  openBatchWith,
  PERMANENT_LEASE,
  STORED_STATES,
  StateIoError,
  type StoreClaim,
  type StoreLease,
  setRuntime,
  type Task,
  TaskStateError,
  UsageError,
} from '../src/index.ts'
import { createLoopback } from '../src/testing/loopback-communicator.ts'
import { names, onRanks, openInMemory, providerOf } from './batches.ts'

afterEach(() => setRuntime(undefined))

describe('a batch on one rank', () => {
  it('gives every task once, in order, and counts what became of them', async () => {
    const batch = await openInMemory({ tasks: names(5) })
    const seen: string[] = []
    for await (const task of batch) {
      seen.push(task.name)
      await (task.index === 3 ? task.fail(new Error('no')) : task.done())
    }
    expect(seen).toEqual(names(5))
    expect(await batch.close()).toMatchObject({ DONE: 4, FAILED: 1, OPEN: 0, RUNNING: 0 })
  })

  it('shrinks groups to the one rank there is', async () => {
    const batch = await openInMemory({ tasks: ['a'], groupSize: 2 })
    expect([batch.group.size, batch.groupCount]).toEqual([1, 1])
    await batch.run(() => undefined)
    expect((await batch.close()).DONE).toBe(1)
  })

  it('runs a failed task again as often as was asked for', async () => {
    const batch = await openInMemory({ tasks: ['a', 'b'], retries: 2, retryDelayMs: 1 })
    const attempts: [string, number][] = []
    await batch.run((task: Task) => {
      attempts.push([task.name, task.attempt])
      if (task.name === 'a' && task.attempt < 3) throw new Error('not yet')
    })
    expect(attempts.filter(([name]) => name === 'a')).toEqual([
      ['a', 1],
      ['a', 2],
      ['a', 3],
    ])
    expect((await batch.close()).DONE).toBe(2)
  })

  it('fails a task for good when its retries are used up', async () => {
    const batch = await openInMemory({ tasks: ['a'], retries: 1, retryDelayMs: 0 })
    let runs = 0
    await batch.run(() => {
      runs += 1
      throw new Error('never')
    })
    expect([runs, (await batch.close()).FAILED]).toEqual([2, 1])
  })

  it('starts nothing more when asked to stop, also in the middle of a wait for a retry', async () => {
    const stop = new AbortController()
    const batch = await openInMemory({
      tasks: names(3),
      retries: 1,
      retryDelayMs: 3_000_000,
      signal: stop.signal,
    })
    for await (const task of batch) {
      await task.fail()
      if (task.index === 2) setImmediate(() => stop.abort())
    }
    expect(await batch.close()).toMatchObject({ FAILED: 3 })
  })

  it('leaves a task FAILED when its loop is left in the middle, and says so when it was not ended', async () => {
    const left = await openInMemory({ tasks: names(3) })
    for await (const task of left)
      if (task.index === 1) break
      else await task.done()
    expect(await left.close()).toMatchObject({ DONE: 1, FAILED: 1, OPEN: 1, RUNNING: 0 })
    const forgotten = await openInMemory({ tasks: ['a'] })
    const loop = async (): Promise<void> => {
      for await (const _ of forgotten);
    }
    await expect(loop()).rejects.toThrow('without ending task "a"')
  })

  it('lets the owner alone set a state, once', async () => {
    const batch = await openInMemory({ tasks: ['a', 'b'] })
    const task = await batch.nextTask()
    await expect(batch.setTaskState(1, 'DONE')).rejects.toThrow(UsageError)
    await expect(batch.setTaskState(9, 'DONE')).rejects.toThrow('There is no task 9')
    await expect(batch.setTaskState(0, 'RUNNING' as never)).rejects.toThrow(TaskStateError)
    await expect(batch.setTaskState(0, 'ENDED' as never)).rejects.toThrow(`can't become "ENDED"`)
    await expect(batch.setTaskState(0, 'constructor' as never)).rejects.toThrow(TaskStateError)
    await batch.setTaskState(0, 'DONE')
    expect(await batch.getTaskState(0)).toBe('DONE')
    expect(() => task?.done()).toThrow('ended twice')
    await expect(batch.setTaskState(0, 'FAILED')).rejects.toThrow(UsageError)
  })

  it('is over once it is closed', async () => {
    const batch = await openInMemory({ tasks: ['a'] })
    await batch.close()
    await expect(batch.nextTask()).rejects.toThrow(ClosedError)
    await batch.close()
  })

  it('serves many callers at once, as the slots of the command line are', async () => {
    const batch = await openInMemory({ tasks: names(100) })
    const seen = new Set<number>()
    const slot = async (): Promise<void> => {
      for (let task = await batch.nextTask(); task !== undefined; task = await batch.nextTask()) {
        expect(seen.has(task.index)).toBe(false)
        seen.add(task.index)
        await task.done()
      }
    }
    await Promise.all(Array.from({ length: 8 }, slot))
    expect([seen.size, (await batch.close()).DONE]).toEqual([100, 100])
  })
})

describe.each([
  { size: 1, groupSize: 1 },
  { size: 2, groupSize: 1 },
  { size: 2, groupSize: 2 },
  { size: 3, groupSize: 1 },
  { size: 4, groupSize: 2 },
  { size: 4, groupSize: 4 },
])('a batch on $size ranks in groups of $groupSize', ({ size, groupSize }) => {
  it('gives each task to one group, and to every member of it', async () => {
    const seen = await onRanks(size, async (communicator) => {
      const batch = await openInMemory({ tasks: names(20), communicator, groupSize })
      const mine: [number, number][] = []
      for await (const task of batch) {
        const sum = await batch.group.allreduce(task.index, 'sum')
        expect(sum).toBe(task.index * groupSize)
        mine.push([task.index, batch.groupIndex])
        await task.done()
      }
      expect((await batch.close()).DONE).toBe(20)
      return mine
    })
    const claims = seen.flat().map(([index]) => index)
    for (let index = 0; index < 20; index += 1) {
      expect(claims.filter((claimed) => claimed === index)).toHaveLength(groupSize)
    }
    for (let rank = 0; rank < size; rank += 1) {
      expect(seen[rank]).toEqual(seen[rank - (rank % groupSize)])
    }
  })

  it('fails a task if any member fails it', async () => {
    const counts = await onRanks(size, async (communicator) => {
      const batch = await openInMemory({ tasks: names(6), communicator, groupSize })
      await batch.run((task) => {
        if (task.index === 2 && batch.group.rank === groupSize - 1) throw new Error('mine went wrong')
      })
      return await batch.close()
    })
    for (const count of counts) expect(count).toMatchObject({ DONE: 5, FAILED: 1 })
  })
})

describe('a result that another instance has superseded', () => {
  /** A store in memory that refuses the result of task 1, as one on disk does after a take-over. */
  class FencingStore extends MemoryStateStore {
    readonly #isAtOnce: boolean

    constructor(taskCount: number, isAtOnce = false) {
      super(taskCount)
      this.#isAtOnce = isAtOnce
    }

    override publish(claim: StoreClaim): Awaitable<number> {
      if (claim.taskIndex !== 1) return super.publish(claim)
      const error = new FencedError('taken over', { details: { task: 't1' } })
      if (this.#isAtOnce) throw error
      return Promise.reject(error)
    }
  }
  it.each([
    [1, 'later', false],
    [1, 'at once', true],
    [2, 'later', false],
    [2, 'at once', true],
  ])(
    'is dropped by every member of a group of %i that is told %s, and the batch goes on',
    async (groupSize, _, isAtOnce) => {
      const provider = providerOf((count) => new FencingStore(count, isAtOnce))
      const counts = await onRanks(groupSize, async (communicator) => {
        const batch = await openBatchWith(
          { root: 'any', tasks: names(3), communicator, groupSize },
          () => provider,
        )
        await batch.run(() => undefined)
        return await batch.close()
      })
      for (const count of counts) expect(count).toMatchObject({ DONE: 2, ELSEWHERE: 1 })
    },
  )

  it('is an error of its class on every member that ends the task itself', async () => {
    const provider = providerOf((count) => new FencingStore(count))
    await onRanks(2, async (communicator) => {
      const batch = await openBatchWith(
        { root: 'any', tasks: names(2), communicator, groupSize: 2 },
        () => provider,
      )
      await (await batch.nextTask())?.done()
      const task = await batch.nextTask()
      await expect(task?.done()).rejects.toMatchObject({
        constructor: FencedError,
        code: 'ERR_MPIBATCH_FENCED',
        details: { task: 't1' },
      })
      await batch.close()
    })
  })
})

describe('a store that answers at once', () => {
  /** Task 0 runs elsewhere, task 1 can't be read, task 2 can't be claimed. */
  class BusyStore extends MemoryStateStore {
    override claim(taskIndex: number, options: { readonly lastSeen: number }): Awaitable<ClaimOutcome> {
      const slot = options.lastSeen + 1
      if (taskIndex === 0) return { kind: 'elsewhere', slot, owner: 'another' }
      if (taskIndex === 1) return { kind: 'invalid', slot, reason: 'not a state' }
      if (taskIndex === 2) throw new StateIoError('the disk is gone')
      return super.claim(taskIndex, options)
    }
  }

  it('is believed as one that answers later, and what it throws rejects', async () => {
    const heard: string[] = []
    const batch = await openBatchWith(
      { root: 'any', tasks: names(4), onFault: (message) => heard.push(message) },
      () => providerOf((count) => new BusyStore(count)),
    )
    batch.on('elsewhere', ({ name }) => heard.push(name))
    await expect(batch.nextTask()).rejects.toThrow('the disk is gone')
    expect(await batch.nextTask()).toMatchObject({ index: 3 })
    expect(heard).toEqual(['not a state', 't0'])
    expect(await batch.close()).toMatchObject({ ELSEWHERE: 1, INVALID: 2, OPEN: 1, RUNNING: 0 })
  })

  it('gives a task back that fails while the lease is in doubt, and it is claimed again', async () => {
    let state: LeaseState = 'valid'
    const lease: StoreLease = {
      ...PERMANENT_LEASE,
      get state() {
        return state
      },
    }
    class DoubtfulStore extends MemoryStateStore {
      override readonly lease = lease
    }
    const provider = providerOf((count) => new DoubtfulStore(count))
    const batch = await openBatchWith({ root: 'any', tasks: ['a'] }, () => provider)
    const task = await batch.nextTask()
    state = 'suspect'
    await task?.fail(new Error('killed'))
    expect(batch.counts()).toMatchObject({ OPEN: 1, FAILED: 0 })
    state = 'valid'
    expect(await batch.nextTask()).toMatchObject({ attempt: 2 })
    await batch.close()
  })
})

describe('a task that runs', () => {
  it.each(STORED_STATES)('can be set to %s if the table of transitions has that', async (state) => {
    const batch = await openInMemory({ tasks: ['a'] })
    await batch.nextTask()
    const isSet = await batch.setTaskState(0, state as 'DONE').then(
      () => true,
      () => false,
    )
    // RUNNING to RUNNING is a take-over, by others.
    expect(isSet).toBe(state !== 'RUNNING' && isLegalTransition('RUNNING', state))
    await batch.close()
  })
})

describe('a task whose state another program has changed', () => {
  it('is tried again in the slot after its claim: no slot is passed over', async () => {
    const tried: number[] = []
    class ForeignStore extends MemoryStateStore {
      override claim(taskIndex: number, options: { readonly lastSeen: number }): Awaitable<ClaimOutcome> {
        tried.push(options.lastSeen)
        return super.claim(taskIndex, options)
      }
      override publish(claim: StoreClaim): Awaitable<number> {
        if (tried.length === 1) return Promise.reject(new ForeignWriterError('changed'))
        return super.publish(claim)
      }
      override reconsider(): Promise<Outlook> {
        return Promise.resolve({ ready: [0], owners: [] })
      }
    }
    const provider = providerOf((count) => new ForeignStore(count))
    const batch = await openBatchWith({ root: 'any', tasks: ['a'] }, () => provider)
    await batch.run(() => undefined)
    expect(await batch.close()).toMatchObject({ DONE: 1 })
    expect(tried).toEqual([0, 1])
  })
})

describe('ranks that do not agree', () => {
  it('are told who differs when their tasks differ', async () => {
    const results = await Promise.allSettled(
      createLoopback(2).map((communicator, rank) =>
        openInMemory({ tasks: rank === 0 ? ['a'] : ['b'], communicator }),
      ),
    )
    for (const result of results) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(ConfigMismatchError)
    }
  })

  it('are told the nearest fits when they do not fill the groups', async () => {
    const results = await Promise.allSettled(
      createLoopback(3).map((communicator) => openInMemory({ tasks: ['a'], communicator, groupSize: 2 })),
    )
    for (const result of results) {
      expect(result.status === 'rejected' && String(result.reason)).toMatch(/2 or 4/)
    }
  })
})
