import { describe, expect, it } from 'vitest'
import { type LeaseState, MemoryStateStore, openBatchWith, type StoreLease } from '../src/index.ts'
import { createLoopback } from '../src/testing/index.ts'
import { names, openInMemory, providerOf } from './batches.ts'

describe('an interrupt', () => {
  it('keeps its reason, and leaves what runs OPEN if it throws, DONE if it comes to its end', async () => {
    for (const throws of [true, false]) {
      const own = new AbortController()
      const batch = await openInMemory({
        tasks: names(4),
        interrupt: own.signal,
        retries: 3,
        retryDelayMs: 0,
      })
      const seen: unknown[] = []
      await batch.run((task) => {
        if (task.index < 1) return
        own.abort('the time is over')
        seen.push(task.signal.reason)
        if (throws) throw new Error('stopped half way')
      })
      expect(seen).toEqual(['the time is over'])
      const [OPEN, DONE] = throws ? [3, 1] : [2, 2]
      expect(await batch.close()).toMatchObject({ OPEN, DONE, FAILED: 0, RUNNING: 0 })
    }
  })

  it('leaves the task of a loop OPEN that is left by an exception, and FAILED that the loop itself fails', async () => {
    const own = new AbortController()
    const batch = await openInMemory({ tasks: names(3), interrupt: own.signal })
    const loop = async (): Promise<void> => {
      for await (const task of batch) {
        own.abort()
        task.signal.throwIfAborted()
      }
    }
    await expect(loop()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
    expect(await batch.nextTask()).toBeUndefined()
    expect(await batch.close()).toMatchObject({ OPEN: 3, FAILED: 0 })
    const other = new AbortController()
    const stays = await openInMemory({ tasks: names(2), interrupt: other.signal })
    for await (const task of stays) {
      other.abort()
      await task.fail()
    }
    expect(await stays.close()).toMatchObject({ FAILED: 1, OPEN: 1 })
  })

  it('that came before the batch was opened lets nothing start', async () => {
    const batch = await openInMemory({ tasks: names(3), interrupt: AbortSignal.abort() })
    expect(await batch.nextTask()).toBeUndefined()
    expect(await batch.close()).toMatchObject({ OPEN: 3 })
  })

  it('lets nothing start any more, not even from what a task does when it hears of it', async () => {
    const own = new AbortController()
    const { signal } = new AbortController()
    const batch = await openInMemory({ tasks: names(2), interrupt: own.signal, signal })
    const task = await batch.nextTask()
    const next = new Promise((resolve) => {
      task?.signal.addEventListener('abort', () => resolve(batch.nextTask()))
    })
    own.abort()
    expect(await next).toBeUndefined()
    expect(await batch.close()).toMatchObject({ OPEN: 2, RUNNING: 0 })
  })

  it('of a member ends the wait of its leader for a retry', async () => {
    const own = new AbortController()
    await Promise.all(
      createLoopback(2).map(async (communicator, rank) => {
        const interrupt = rank === 1 ? { interrupt: own.signal } : {}
        const options = { retries: 1, retryDelayMs: 3_000_000, groupSize: 2 }
        const batch = await openInMemory({ tasks: ['a'], communicator, ...options, ...interrupt })
        await (await batch.nextTask())?.fail()
        if (rank === 1) setImmediate(() => own.abort())
        expect(await batch.nextTask()).toBeUndefined()
        await batch.close()
      }),
    )
  })

  it('stays in force when a lease that was in doubt is valid again', async () => {
    let state: LeaseState = 'valid'
    let change: (to: LeaseState) => void = () => undefined
    const lease: StoreLease = {
      get state() {
        return state
      },
      check: () => undefined,
      onChange: (listener) => {
        change = (to) => {
          state = to
          listener(to)
        }
        return () => undefined
      },
    }
    const provider = providerOf((count) => Object.assign(new MemoryStateStore(count), { lease }))
    const own = new AbortController()
    const batch = await openBatchWith(
      { root: 'any', tasks: names(3), interrupt: own.signal, onFault: () => undefined },
      () => provider,
    )
    const first = await batch.nextTask()
    change('suspect')
    expect(first?.signal.reason).toMatchObject({ code: 'ERR_MPIBATCH_LEASE_LOST' })
    change('valid')
    const second = await batch.nextTask()
    expect(second?.signal.aborted).toBe(false)
    own.abort('enough')
    expect(second?.signal.reason).toBe('enough')
    await first?.release()
    await second?.release()
    expect(await batch.nextTask()).toBeUndefined()
    await batch.close()
  })
})
