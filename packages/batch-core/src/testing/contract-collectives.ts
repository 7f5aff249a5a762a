import assert from 'node:assert/strict'
import { assertFails, type ContractCase, ranksOf } from './contract-case.ts'

const ROUNDS = 25

/** What holds for the collective calls that make no new object. */
export const collectiveCases: readonly ContractCase[] = [
  {
    name: 'no rank leaves a barrier before all have come',
    run: async (communicator) => {
      const window = await communicator.createWindow({ length: 1 })
      for (let round = 1; round <= ROUNDS; round += 1) {
        await window.fetchAdd(0, 1)
        await communicator.barrier()
        assert.equal(await window.load(0), round * communicator.size)
        await communicator.barrier()
      }
      await window.close()
    },
  },
  {
    name: 'a broadcast gives every rank a copy of the value of any root',
    run: async (communicator) => {
      for (const root of ranksOf(communicator)) {
        const value = communicator.rank === root ? { root, list: [1, 2, 3] } : undefined
        const received = await communicator.broadcast(value, { root })
        assert.deepEqual(received, { root, list: [1, 2, 3] })
        if (value !== undefined) assert.notEqual(received, value)
      }
    },
  },
  {
    name: 'a broadcast of undefined gives undefined',
    run: async (communicator) => {
      assert.equal(await communicator.broadcast(undefined), undefined)
    },
  },
  {
    name: 'gather gives any root the values in rank order, and the others undefined',
    run: async (communicator) => {
      const expected = ranksOf(communicator).map((rank) => ({ rank }))
      for (const root of ranksOf(communicator)) {
        const gathered = await communicator.gather({ rank: communicator.rank }, { root })
        assert.deepEqual(gathered, communicator.rank === root ? expected : undefined)
      }
    },
  },
  {
    name: 'allgather gives every rank the values in rank order',
    run: async (communicator) => {
      const expected = ranksOf(communicator).map((rank) => `rank ${rank}`)
      assert.deepEqual(await communicator.allgather(`rank ${communicator.rank}`), expected)
      assert.deepEqual(await communicator.allgather(undefined), new Array(communicator.size).fill(undefined))
    },
  },
  {
    name: 'allreduce adds in rank order, so that all ranks get the same bits',
    run: async (communicator) => {
      // Values of very different size: in another order the rounding differs.
      const part = (rank: number): number => [1e16, 1.1, -1e16, 0.3][rank % 4] ?? 0
      const expected = ranksOf(communicator)
        .map(part)
        .reduce((sum, value) => sum + value)
      for (let round = 0; round < ROUNDS; round += 1) {
        const sum = await communicator.allreduce(part(communicator.rank), 'sum')
        assert.ok(Object.is(sum, expected), `${sum} is not ${expected}`)
      }
    },
  },
  {
    name: 'allreduce knows sum, product, min and max, over numbers and arrays, element by element',
    run: async (communicator) => {
      const { rank } = communicator
      const all = ranksOf(communicator)
      const sum = all.reduce((total, value) => total + value, 0)
      const product = all.reduce((total, value) => total * (value + 1), 1)
      const last = communicator.size - 1
      assert.equal(await communicator.allreduce(rank + 1, 'product'), product)
      assert.deepEqual(await communicator.allreduce([rank, 5], 'min'), [0, 5])
      assert.deepEqual(
        await communicator.allreduce(new Float64Array([rank, 9 - rank]), 'max'),
        new Float64Array([last, 9]),
      )
      assert.deepEqual(await communicator.allreduce(new Int32Array([rank]), 'sum'), new Int32Array([sum]))
      assert.deepEqual(await communicator.allreduce([], 'sum'), [])
    },
  },
  {
    name: 'allreduce leaves its argument as it was',
    run: async (communicator) => {
      const value = [communicator.rank, 1]
      await communicator.allreduce(value, 'sum')
      assert.deepEqual(value, [communicator.rank, 1])
    },
  },
  {
    name: 'allreduce fails on every rank when lengths, kinds or operations differ',
    run: async (communicator) => {
      const odd = communicator.rank === communicator.size - 1
      if (communicator.size === 1) return
      const mismatch = 'ERR_MPIBATCH_CONFIG_MISMATCH'
      await assertFails(communicator.allreduce(odd ? [1, 2, 3] : [1, 2], 'sum'), mismatch)
      await assertFails(
        communicator.allreduce(odd ? new Int32Array(2) : new Float64Array(2), 'sum'),
        mismatch,
      )
      await assertFails(communicator.allreduce(1, odd ? 'min' : 'max'), mismatch)
      assert.equal(await communicator.allreduce(1, 'sum'), communicator.size)
    },
  },
  {
    name: 'collective calls refuse what can not be: a wrong root, a color below 0, a negative length, text to add',
    run: async (communicator) => {
      const usage = 'ERR_MPIBATCH_USAGE'
      await assertFails(communicator.broadcast(1, { root: communicator.size }), usage)
      await assertFails(communicator.gather(1, { root: -1 }), usage)
      await assertFails(communicator.split({ color: -1 }), usage)
      await assertFails(communicator.split({ color: 0, key: Number.NaN }), usage)
      await assertFails(communicator.createWindow({ length: -1 }), usage)
      await assertFails(communicator.allreduce('1' as unknown as number, 'sum'), usage)
      await assertFails(communicator.allreduce(1, 'mean' as 'sum'), usage)
      await communicator.barrier()
    },
  },
  {
    name: 'a collective call gives up after its timeout or by its signal, and the communicator goes on',
    run: async (communicator) => {
      const { rank, size } = communicator
      const last = size - 1
      if (size === 1) return
      if (rank < last) {
        await assertFails(communicator.broadcast(0, { root: last, timeoutMs: 1 }), 'ERR_MPIBATCH_TIMEOUT')
        await communicator.send('gave up', { destination: last })
      } else {
        for (let count = 0; count < last; count += 1) await communicator.receive()
        await communicator.broadcast(1, { root: last })
      }
      assert.equal(await communicator.allreduce(1, 'sum'), size)
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      if (rank === last) await assert.rejects(communicator.duplicate({ signal }), reason)
      else {
        const [child] = await Promise.allSettled([communicator.duplicate({ timeoutMs: 1 })])
        assert.ok(child.status === 'rejected' || size > 2)
      }
      const child = await communicator.duplicate()
      assert.equal(await child.allreduce(1, 'sum'), size)
      await child.close()
    },
  },
  {
    name: 'messages never reach a collective call, nor the other way round',
    run: async (communicator) => {
      const destination = (communicator.rank + 1) % communicator.size
      const early = communicator.receive<string>({ tag: 0 })
      await communicator.barrier()
      const all = await communicator.allgather(communicator.rank)
      await communicator.send('message', { destination })
      const { data } = await early
      assert.deepEqual([all, data], [ranksOf(communicator), 'message'])
    },
  },
]
