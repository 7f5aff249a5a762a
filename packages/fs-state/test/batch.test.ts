/** Batches over a task root: what one instance leaves for another. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Batch,
  type BatchOptions,
  FencedError,
  type MapResult,
  openBatchWith,
  VALUE_SIZE_MAX,
} from '@mpibatch/batch-core'
import { createLoopback, withRemoteWindows } from '@mpibatch/batch-core/testing'
import { describe, expect, it } from 'vitest'
import { createFsStateProvider } from '../src/fs-state-provider.ts'
import { collectGarbage } from '../src/gc.ts'
import { freshRoot, noHeartbeat } from './store-harness.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`)

function openOver(root: string, options: BatchOptions): Promise<Batch> {
  return openBatchWith({ root, durability: 'none', ...options }, (settings) =>
    createFsStateProvider({ ...settings, startHeartbeat: noHeartbeat }),
  )
}

/** What is there to compare two maps by. */
function shortly(results: readonly MapResult<unknown>[]): unknown[] {
  return results.map((result) => (result.ok ? result.value : `${result.state}: ${result.message}`))
}

describe('a map over a root', () => {
  it('gives every rank all values, also those of earlier runs, and of gc there is no trace', async () => {
    const root = freshRoot()
    const bodies: number[] = []
    const run = (count: number): Promise<unknown[][]> =>
      Promise.all(
        createLoopback(4).map(async (communicator) => {
          const batch = await openOver(root, { tasks: names(count), communicator, groupSize: 2, rootRank: 3 })
          const results = await batch.map(async (task, group) => {
            if (group.rank === 0) bodies.push(task.index)
            if (task.index === 2) throw new Error('no two')
            const parts = await group.allgather(10 * task.index + group.rank)
            return task.index === 3 ? undefined : { parts, when: new Date(0) }
          })
          await batch.close()
          return shortly(results)
        }),
      )
    const [first = [], ...others] = await run(5)
    expect(others).toEqual([first, first, first])
    const when = '1970-01-01T00:00:00.000Z'
    const value = (index: number): unknown => ({ parts: [10 * index, 10 * index + 1], when })
    expect(first).toEqual([value(0), value(1), 'FAILED: Error: no two', undefined, value(4)])
    expect(bodies.splice(0).sort()).toEqual([0, 1, 2, 3, 4])
    await collectGarbage(root)
    const [again] = await run(7)
    expect(again).toEqual([...first.with(2, 'FAILED: It has failed.'), value(5), value(6)])
    expect(bodies.sort()).toEqual([5, 6])
  })

  it('says which tasks are DONE without a value, and which values can not be kept or read', async () => {
    const root = freshRoot()
    const before = await openOver(root, { tasks: ['early'] })
    await before.run(() => 'not kept')
    await before.close()
    const tasks = ['early', 'huge', 'odd', 'own end', 'damaged', 'good']
    const open = (): Promise<Batch> => openOver(root, { tasks })
    const batch = await open()
    const results = await batch.map(async (task) => {
      if (task.name === 'huge') return 'x'.repeat(VALUE_SIZE_MAX)
      if (task.name === 'odd') return 1n
      if (task.name === 'own end') await task.done()
      return task.name
    })
    const lacking = 'DONE: It is DONE, but no value was kept with it: something else than map has ended it.'
    expect(shortly(results)).toEqual([
      lacking,
      expect.stringMatching(/^FAILED: UsageError: What task "huge" returned takes 1048578 bytes/),
      expect.stringMatching(/^FAILED: UsageError: What task "odd" returned can't be kept as JSON/),
      ...[lacking, 'damaged', 'good'],
    ])
    const [kept = ''] = readdirSync(join(root, 'damaged')).filter((name) => name.startsWith('state.value'))
    const path = join(root, 'damaged', kept)
    const whole = readFileSync(path, 'utf8')
    await batch.close()
    for (const text of ['', whole.replace('"damaged"\n', '"dama')]) {
      writeFileSync(path, text)
      const next = await open()
      const found = shortly(await next.map(() => 'run again'))
      expect(found[4]).toMatch(/^DONE: The value that was kept with it can't be read: .*run the task again/)
      expect(found[5]).toBe('good')
      await next.close()
    }
  })
})

describe('two instances on one root', () => {
  it('take tasks from each other only when a call asks for that, and then the first one is fenced', async () => {
    const root = freshRoot()
    const first = await openOver(root, { tasks: names(2) })
    const task = await first.nextTask()
    const second = await openOver(root, { tasks: names(2) })
    const heard: string[] = []
    second.on('elsewhere', ({ name }) => heard.push(name))
    first.on('elsewhere', ({ name }) => heard.push(`lost ${name}`))
    await (await second.nextTask({ retryFailed: true, rerun: true }))?.done()
    expect(await second.nextTask()).toBeUndefined()
    expect(await second.states()).toEqual(['RUNNING', 'DONE'])
    const stolen = await second.nextTask({ stealRunning: true })
    expect([stolen?.name, stolen?.attempt]).toEqual(['t0', 2])
    await expect(task?.done()).rejects.toThrow(FencedError)
    await stolen?.done()
    expect(heard).toEqual(['lost t0'])
    // What is DONE is opened on record before it runs again.
    const again = await second.nextTask({ rerun: true })
    expect([again?.name, again?.attempt]).toEqual(['t1', 2])
    expect(await first.states()).toEqual(['DONE', 'RUNNING'])
    await again?.fail()
    expect(await first.states()).toEqual(['DONE', 'FAILED'])
    await second.close()
    await first.close()
  })
})

describe('a batch whose root rank leads no group', () => {
  it('runs all tasks, in one process and in several, and only the root says what was found', async () => {
    for (const sharesProcess of [true, false]) {
      const root = freshRoot()
      const faults: string[] = []
      await Promise.all(
        createLoopback(4).map(async (loopback, rank) => {
          const communicator = sharesProcess
            ? loopback
            : withRemoteWindows(loopback, (_step, run) => run(), 0)
          const onFault = (message: string): void => void faults.push(`${rank}: ${message}`)
          const options = { tasks: names(20), communicator, groupSize: 2, rootRank: 3, onFault }
          const batch = await openOver(root, options)
          await batch.run(() => undefined)
          expect(await batch.close()).toMatchObject({ DONE: 20 })
          if (rank === 0) writeFileSync(join(root, 't7', 'state'), 'nonsense\n')
          await communicator.barrier()
          const again = await openOver(root, options)
          expect(await again.nextTask()).toBeUndefined()
          expect(await again.close()).toMatchObject({ DONE: 19, INVALID: 1 })
        }),
      )
      expect(faults).toEqual([expect.stringMatching(/^3: .*t7\/state/)])
    }
  })
})
