import { describe, expect, it } from 'vitest'
import {
  type Awaitable,
  type ClaimOutcome,
  FencedError,
  MemoryStateStore,
  openBatchWith,
  type StoreClaim,
  type TaskCounts,
} from '../src/index.ts'
import { createLoopback } from '../src/testing/index.ts'
import { names, openInMemory, providerOf } from './batches.ts'

describe('the events of a batch', () => {
  it('come in order: a task is claimed before it is given out, and has ended before its end returns', async () => {
    const batch = await openInMemory({ tasks: names(2) })
    const heard: string[] = []
    batch.on('claimed', ({ task }) => heard.push(`claimed ${task.name}, attempt ${task.attempt}`))
    batch.on('done', ({ task }) => heard.push(`done ${task.name}: ${batch.counts().DONE}`))
    batch.on('failed', ({ task, message }) => heard.push(`failed ${task.name}: ${message}`))
    for await (const task of batch) {
      heard.push(`got ${task.name}`)
      await (task.index === 0 ? task.done() : task.fail(new TypeError('no')))
      heard.push(`ended ${task.name}`)
    }
    await batch.close()
    expect(heard).toEqual([
      ...['claimed t0, attempt 1', 'got t0', 'done t0: 1', 'ended t0'],
      ...['claimed t1, attempt 1', 'got t1', 'failed t1: TypeError: no', 'ended t1'],
    ])
  })

  it.each([1, 2])(
    'tell every member of a group of %i which tasks others have, before or after',
    async (size) => {
      class ContestedStore extends MemoryStateStore {
        override claim(taskIndex: number, options: { readonly lastSeen: number }): Awaitable<ClaimOutcome> {
          if (taskIndex !== 1) return super.claim(taskIndex, options)
          return Promise.resolve({ kind: 'elsewhere', slot: 1, owner: 'another' })
        }
        override publish(claim: StoreClaim): Awaitable<number> {
          return claim.taskIndex === 2 ? Promise.reject(new FencedError('taken over')) : super.publish(claim)
        }
      }
      const provider = providerOf((count) => new ContestedStore(count))
      await Promise.all(
        createLoopback(size).map(async (communicator) => {
          const batch = await openBatchWith(
            { root: 'any', tasks: names(4), communicator, groupSize: size },
            () => provider,
          )
          const heard: string[] = []
          batch.on('elsewhere', ({ index, name }) => heard.push(`${index} ${name}`))
          batch.on('done', ({ task }) => heard.push(`done ${task.name}`))
          await batch.run(() => undefined)
          expect(heard).toEqual(['done t0', '1 t1', '2 t2', 'done t3'])
          await batch.close()
        }),
      )
    },
  )

  it('of progress come now and then while counts change, and once at the end', async () => {
    const [batch, quiet] = [await openInMemory({ tasks: names(9) }), await openInMemory({ tasks: ['a'] })]
    const heard: { readonly counts: TaskCounts; readonly atMs: number }[] = []
    let hears: () => void = () => undefined
    batch.on('progress', (counts) => {
      heard.push({ counts, atMs: performance.now() })
      hears()
    })
    const quietCounts: TaskCounts[] = []
    quiet.on('progress', (counts) => quietCounts.push(counts))
    for (const rounds of [3, 2]) {
      const hasHeard = new Promise<void>((resolve) => {
        hears = resolve
      })
      for (let round = 0; round < rounds; round += 1) await (await batch.nextTask())?.done()
      await hasHeard
    }
    expect(heard.map(({ counts }) => counts.DONE)).toEqual([3, 5])
    // Timers are a millisecond early at times.
    expect((heard[1]?.atMs ?? 0) - (heard[0]?.atMs ?? 0)).toBeGreaterThan(150)
    // Nothing has changed there for as long.
    expect(quietCounts).toEqual([])
    const counts = await batch.close()
    expect(heard.map((event) => event.counts)).toEqual([heard[0]?.counts, heard[1]?.counts, counts])
    await batch.close()
    expect(heard).toHaveLength(3)
    const last = await quiet.close()
    expect(quietCounts).toEqual([last])
  })

  it('reach the other listeners, and change no task, when a listener throws, which is told once', async () => {
    const faults: string[] = []
    const batch = await openInMemory({ tasks: names(3), onFault: (message) => faults.push(message) })
    let claims = 0
    const calls = { thrown: 0, rejected: 0 }
    batch.on('claimed', () => {
      calls.thrown += 1
      throw new Error('bad listener')
    })
    batch.on('done', async () => {
      calls.rejected += 1
      await Promise.reject(new Error('bad promise'))
    })
    batch.on('claimed', () => (claims += 1))
    await batch.run(() => undefined)
    expect(await batch.close()).toMatchObject({ DONE: 3, FAILED: 0 })
    expect([claims, calls.thrown]).toEqual([3, 1])
    expect(calls.rejected).toBeLessThanOrEqual(2)
    expect(faults.map((fault) => fault.split('\n', 1)[0])).toEqual([
      'A listener of the event "claimed" threw, and is not called any more; the batch goes on. Error: bad listener',
      'A listener of the event "done" threw, and is not called any more; the batch goes on. Error: bad promise',
    ])
  })

  it('that there are not can not be listened to', async () => {
    const batch = await openInMemory({ tasks: ['a'] })
    expect(() => batch.on('ended' as 'done', () => undefined)).toThrow(
      'A batch has no event "ended". There are claimed, done, failed, elsewhere, progress.',
    )
    await batch.close()
  })
})
