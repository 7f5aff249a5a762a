import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Batch } from '../batch.ts'
import type { BatchOptions } from '../batch-options.ts'
import type { Communicator } from '../communicator.ts'
import { openBatchWith } from '../open-batch.ts'
import type { ClaimableStates, StoredState, TableState } from '../task-state.ts'
import { assertFails, type ContractCase, ranksOf, splitInto } from './contract-case.ts'

/** Opens a batch that lives in memory. */
function openInMemory(communicator: Communicator, options: BatchOptions): Promise<Batch> {
  return openBatchWith({ root: null, communicator, ...options }, () => {
    throw new Error('A batch without a root asked for a store')
  })
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `task_${String(index).padStart(3, '0')}`)
}

/** Groups of two where the ranks fill them, as pshmem's own test has it. */
function pairs({ size }: Communicator): number {
  return size % 2 === 0 ? 2 : 1
}

/** Takes tasks until there is none, and says how often each was taken. Collective over the group. */
async function takeAll(
  batch: Batch,
  options: { readonly claimable?: ClaimableStates; readonly end?: 'DONE' | 'FAILED' } = {},
): Promise<Int32Array> {
  const taken = new Int32Array(batch.taskCount)
  for (;;) {
    const task = await batch.nextTask(options.claimable)
    if (task === undefined) return taken
    taken[task.index] = (taken[task.index] ?? 0) + 1
    await batch.setTaskState(task.index, options.end ?? 'DONE')
  }
}

/** How often each task was taken by any group, counted on group leaders only. Collective over all ranks. */
async function takenByGroups(batch: Batch, taken: Int32Array): Promise<number[]> {
  const own = batch.group.rank === 0 ? taken : new Int32Array(taken.length)
  return [...(await batch.communicator.allreduce(own, 'sum'))]
}

/** What other nodes are told of states arrives a moment later. */
async function untilStatesAre(batch: Batch, expected: readonly TableState[]): Promise<void> {
  const endMs = performance.now() + 5000
  let states = await batch.states()
  while (performance.now() < endMs && states.some((state, index) => state !== expected[index])) {
    await setImmediate()
    states = await batch.states()
  }
  assert.deepEqual([...states], [...expected])
}

const TASKS = 25

/** What a batch over any communicator promises; pshmem's MPIBatch, and what goes beyond it. */
export const batchCases: readonly ContractCase[] = [
  {
    name: 'each of 25 tasks is run by one worker group, by every member of it, over one communicator',
    run: async (communicator) => {
      const groupSize = pairs(communicator)
      const batch = await openInMemory(communicator, { tasks: names(TASKS), groupSize })
      const { group } = batch
      assert.equal(group.size, groupSize)
      assert.equal(batch.groupCount, communicator.size / groupSize)
      assert.equal(batch.groupIndex, Math.floor(communicator.rank / groupSize))
      const taken = new Int32Array(TASKS)
      for await (const task of batch) {
        assert.equal(batch.group, group)
        assert.equal(await group.allreduce(task.index, 'sum'), groupSize * task.index)
        taken[task.index] = (taken[task.index] ?? 0) + 1
        await task.done()
      }
      const sum = await communicator.allreduce(taken, 'sum')
      assert.deepEqual([...sum], Array(TASKS).fill(groupSize))
      assert.equal((await batch.close()).DONE, TASKS)
    },
  },
  {
    name: 'states go from OPEN over RUNNING to DONE and FAILED, one by one and all at once',
    run: async (communicator) => {
      const count = 2 * communicator.size
      const batch = await openInMemory(communicator, { tasks: names(count) })
      assert.deepEqual(new Set(await batch.states()), new Set(['OPEN']))
      await communicator.barrier()
      const expected: TableState[] = Array(count).fill('OPEN')
      const [first, second] = [await batch.nextTask(), await batch.nextTask()]
      assert.ok(first !== undefined && second !== undefined)
      assert.equal(await batch.getTaskState(first.index), 'RUNNING')
      expected.fill('RUNNING')
      await untilStatesAre(batch, expected)
      await communicator.barrier()
      await batch.setTaskState(first.index, 'DONE')
      await batch.setTaskState(second.index, 'FAILED')
      assert.equal(await batch.getTaskState(first.index), 'DONE')
      assert.equal(await batch.getTaskState(second.index), 'FAILED')
      for (const { done, failed } of await communicator.allgather({
        done: first.index,
        failed: second.index,
      })) {
        expected[done] = 'DONE'
        expected[failed] = 'FAILED'
      }
      await untilStatesAre(batch, expected)
      await batch.close()
    },
  },
  {
    name: 'tasks that begin DONE, FAILED or RUNNING are left alone, until a call asks for them',
    run: async (communicator) => {
      const cycle: readonly StoredState[] = ['OPEN', 'DONE', 'FAILED', 'RUNNING']
      const initialStates = names(TASKS - 1).map((_, index) => cycle[index % 4] ?? 'OPEN')
      const groupSize = pairs(communicator)
      const batch = await openInMemory(communicator, { tasks: names(TASKS - 1), initialStates, groupSize })
      const onlyFrom = (state: StoredState): number[] =>
        initialStates.map((initial) => (initial === state ? 1 : 0))
      const took = async (claimable?: ClaimableStates): Promise<number[]> => {
        await communicator.barrier()
        return await takenByGroups(batch, await takeAll(batch, claimable === undefined ? {} : { claimable }))
      }
      assert.deepEqual(await took(), onlyFrom('OPEN'))
      assert.deepEqual(await took({ retryFailed: true }), onlyFrom('FAILED'))
      assert.deepEqual(await took({ stealRunning: true }), onlyFrom('RUNNING'))
      assert.deepEqual(await took({ retryFailed: true, stealRunning: true }), Array(TASKS - 1).fill(0))
      // Two turns of a group are two tasks, although the first is DONE again by then.
      const again = [await batch.nextTask({ rerun: true }), undefined]
      await again[0]?.done()
      again[1] = await batch.nextTask({ rerun: true })
      await again[1]?.done()
      assert.ok(again[0] !== undefined && again[1] !== undefined && again[0].index !== again[1].index)
      assert.equal((await batch.close()).DONE, TASKS - 1)
    },
  },
  {
    name: 'a task that another group of the batch runs is stolen from it by no call',
    run: async (communicator) => {
      const batch = await openInMemory(communicator, { tasks: names(communicator.size) })
      const task = await batch.nextTask()
      await communicator.barrier()
      const everything = { stealRunning: true, retryFailed: true, rerun: true }
      assert.equal(await batch.nextTask(everything), undefined)
      await communicator.barrier()
      await task?.done()
      assert.equal((await batch.close()).DONE, communicator.size)
    },
  },
  {
    name: 'several batches at once, of all ranks and of two halves, give out their own tasks only',
    run: async (communicator) => {
      const half = await splitInto(communicator, communicator.rank % 2)
      const batches = [
        await openInMemory(communicator, { tasks: names(TASKS) }),
        await openInMemory(half, { tasks: names(7) }),
        await openInMemory(communicator, { tasks: names(11), groupSize: communicator.size }),
      ]
      const taken = await Promise.all(batches.map((batch) => takeAll(batch)))
      for (const [position, batch] of batches.entries()) {
        assert.deepEqual(
          await takenByGroups(batch, taken[position] ?? new Int32Array()),
          Array(batch.taskCount).fill(1),
        )
      }
      for (const batch of batches) assert.equal((await batch.close()).DONE, batch.taskCount)
      await half.close()
    },
  },
  {
    name: 'batches that are opened, run and closed at once do not mix',
    run: async (communicator) => {
      const ends = await Promise.all(
        [5, 9, 2].map(async (count) => {
          const batch = await openInMemory(communicator, { tasks: names(count) })
          assert.deepEqual(await takenByGroups(batch, await takeAll(batch)), Array(count).fill(1))
          return await batch.close()
        }),
      )
      assert.deepEqual(
        ends.map(({ DONE }) => DONE),
        [5, 9, 2],
      )
    },
  },
  {
    name: 'any rank can be the root of a batch, and a rank that is none is refused on all',
    run: async (communicator) => {
      for (const rootRank of ranksOf(communicator)) {
        const groupSize = pairs(communicator)
        const batch = await openInMemory(communicator, { tasks: names(9), groupSize, rootRank })
        assert.equal(batch.groupIndex, Math.floor(communicator.rank / groupSize))
        assert.deepEqual(await takenByGroups(batch, await takeAll(batch)), Array(9).fill(1))
        assert.equal((await batch.close()).DONE, 9)
      }
      const rootRank = communicator.size
      await assertFails(openInMemory(communicator, { tasks: ['a'], rootRank }), 'ERR_MPIBATCH_CONFIG_INVALID')
    },
  },
  {
    name: 'ranks that do not fill their groups are refused on all of them, with numbers that fit',
    run: async (communicator) => {
      const groupSize = communicator.size + 1
      const error = await assertFails(
        openInMemory(communicator, { tasks: ['a'], groupSize }),
        'ERR_MPIBATCH_CONFIG_INVALID',
      )
      assert.match(error.message, new RegExp(`fill groups of ${groupSize}: take ${groupSize} ranks`))
    },
  },
  {
    name: 'a batch tells each group what becomes of its tasks, and every rank how far all are',
    run: async (communicator) => {
      const groupSize = pairs(communicator)
      const batch = await openInMemory(communicator, { tasks: names(TASKS), groupSize })
      const heard = { claimed: 0, done: 0, failed: 0, messages: new Set<string>() }
      let last: unknown
      batch.on('claimed', () => (heard.claimed += 1))
      batch.on('done', () => (heard.done += 1))
      batch.on('failed', ({ message }) => {
        heard.failed += 1
        heard.messages.add(message)
      })
      batch.on('progress', (counts) => (last = counts))
      const ignored = batch.on('claimed', () => assert.fail('This listener was taken away'))
      ignored()
      await batch.run((task) => {
        if (task.index % 5 === 0) throw new Error('one in five')
      })
      assert.equal(heard.claimed, heard.done + heard.failed)
      const { claimed, failed } = heard
      const sums = await communicator.allreduce([claimed, failed], 'sum')
      assert.deepEqual(sums, [TASKS * groupSize, 5 * groupSize])
      for (const message of heard.messages) assert.equal(message, 'Error: one in five')
      const counts = await batch.close()
      assert.deepEqual(last, counts)
      assert.equal(counts.FAILED, 5)
    },
  },
  {
    name: 'an interrupt of any member reaches the others of its group, who may be waiting for it',
    run: async (communicator) => {
      const last = communicator.size - 1
      const own = new AbortController()
      const batch = await openInMemory(communicator, {
        tasks: names(3),
        groupSize: communicator.size,
        ...(communicator.rank === last ? { interrupt: own.signal } : {}),
      })
      await batch.run(async (task, group) => {
        assert.equal(task.index, 0)
        if (group.rank === last) own.abort(new Error('enough'))
        // Nobody sends anything.
        await group.receive({ source: 0, signal: task.signal })
      })
      const counts = await batch.close()
      assert.deepEqual([counts.OPEN, counts.DONE, counts.FAILED], [3, 0, 0])
    },
  },
  {
    name: 'an interrupt of one member ends its task early, gives it back for all, and stops its group only',
    run: async (communicator) => {
      const groupSize = pairs(communicator)
      const groupCount = communicator.size / groupSize
      const count = 3 * groupCount
      const own = new AbortController()
      const interrupt = own.signal
      const batch = await openInMemory(communicator, { tasks: names(count), groupSize, interrupt })
      let runs = 0
      await batch.run(async (task) => {
        runs += 1
        if (runs > 1) return
        // Every group has a task now.
        await communicator.barrier()
        if (batch.groupIndex > 0) return
        if (batch.group.rank > 0) throw new Error('could not go on without the other member')
        own.abort(new Error('enough'))
        assert.equal(task.signal.aborted, true)
        task.signal.throwIfAborted()
      })
      if (batch.groupIndex === 0) assert.equal(runs, 1)
      const counts = await batch.close()
      const left = groupCount === 1 ? count : 1
      assert.deepEqual([counts.OPEN, counts.DONE, counts.FAILED], [left, count - left, 0])
    },
  },
  {
    name: 'a map gives every rank the value of each task in order, and why one has none',
    run: async (communicator) => {
      const groupSize = pairs(communicator)
      const batch = await openInMemory(communicator, { tasks: names(12), groupSize })
      const squares = await batch.map(async (task, group) => {
        if (task.index === 7) throw new Error('no seven')
        return { square: task.index ** 2, member: group.rank, when: new Date(0), group: batch.groupIndex }
      })
      for (const [index, result] of squares.entries()) {
        assert.deepEqual([result.index, result.name], [index, names(12)[index]])
        if (result.ok) {
          const { square, member, when } = result.value
          assert.deepEqual([square, member, when], [index ** 2, 0, new Date(0)])
        } else {
          assert.deepEqual([index, result.state, result.message], [7, 'FAILED', 'Error: no seven'])
        }
      }
      const texts = await communicator.allgather(JSON.stringify(squares))
      assert.equal(new Set(texts).size, 1)
      // What is not run again keeps its value, and what was run again by other means has none.
      const retried = await takeAll(batch, { claimable: { retryFailed: true } })
      assert.deepEqual(
        (await takenByGroups(batch, retried)).map((times, index) => times * index),
        Array.from({ length: 12 }, (_, index) => (index === 7 ? 7 : 0)),
      )
      const again = await batch.map(() => assert.fail('Nothing is left to run'))
      for (const [index, result] of again.entries()) {
        if (index === 7) assert.deepEqual([result.ok, !result.ok && result.state], [false, 'DONE'])
        else assert.deepEqual(result, squares[index])
      }
      await batch.close()
    },
  },
]
