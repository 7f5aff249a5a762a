import assert from 'node:assert/strict'
import { assertFails, type ContractCase, ranksOf } from './contract-case.ts'

const CLOSED = 'ERR_MPIBATCH_CLOSED'

/** What holds for making and closing communicators. */
export const lifetimeCases: readonly ContractCase[] = [
  {
    name: 'split makes one communicator per color, ranked by key and then by old rank',
    run: async (communicator) => {
      const { rank, size } = communicator
      const half = await communicator.split({ color: rank % 2, key: -rank })
      assert.ok(half !== undefined)
      const expected = ranksOf(communicator).filter((other) => other % 2 === rank % 2)
      assert.deepEqual(await half.allgather(rank), expected.reverse())
      const same = await communicator.split({ color: 7 })
      assert.deepEqual([same?.rank, same?.size], [rank, size])
      await same?.close()
      await half.close()
    },
  },
  {
    name: 'a rank without color gets no communicator, and the others do',
    run: async (communicator) => {
      const { rank, size } = communicator
      const others = await communicator.split({ color: rank === 0 ? undefined : 0 })
      assert.equal(others?.size, rank === 0 ? undefined : size - 1)
      assert.equal(others?.rank, rank === 0 ? undefined : rank - 1)
      await others?.close()
    },
  },
  {
    name: 'members of a split communicator talk under their new ranks',
    run: async (communicator) => {
      const reversed = await communicator.split({ color: 0, key: -communicator.rank })
      assert.ok(reversed !== undefined)
      assert.equal(reversed.rank, communicator.size - 1 - communicator.rank)
      assert.equal(await reversed.broadcast(communicator.rank), communicator.size - 1)
      await reversed.send(communicator.rank, { destination: 0 })
      if (reversed.rank === 0) {
        for (const source of ranksOf(reversed)) {
          assert.equal((await reversed.receive({ source })).data, communicator.size - 1 - source)
        }
      }
      await reversed.close()
    },
  },
  {
    name: 'splitByNode gives each rank the ranks with which it shares memory',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      const window = await node.createWindow({ length: 1 })
      assert.ok(window.words !== undefined, 'The members of a node share memory')
      Atomics.add(window.words, 0, 1)
      await node.barrier()
      assert.equal(Atomics.load(window.words, 0), node.size)
      await window.close()
      await node.close()
    },
  },
  {
    name: 'messages of a duplicate, its own duplicate and its parent never mix',
    run: async (communicator) => {
      const destination = (communicator.rank + 1) % communicator.size
      const child = await communicator.duplicate()
      const sibling = await communicator.duplicate()
      const grandchild = await child.duplicate()
      const all = [communicator, child, sibling, grandchild]
      for (const [index, one] of all.entries()) await one.send(index, { destination, tag: 5 })
      for (const [index, one] of [...all.entries()].reverse()) {
        assert.equal((await one.receive({ tag: 5 })).data, index)
        await assertFails(one.receive({ timeoutMs: 0 }), 'ERR_MPIBATCH_TIMEOUT')
      }
      for (const one of [grandchild, sibling, child]) await one.close()
    },
  },
  {
    name: 'calls on a closed communicator fail, and its parent goes on',
    run: async (communicator) => {
      const child = await communicator.duplicate()
      await child.close()
      await assertFails(child.send(1, { destination: 0 }), CLOSED)
      await assertFails(child.receive(), CLOSED)
      await assertFails(child.barrier(), CLOSED)
      await assertFails(child.broadcast(1), CLOSED)
      await assertFails(child.gather(1), CLOSED)
      await assertFails(child.allgather(1), CLOSED)
      await assertFails(child.allreduce(1, 'sum'), CLOSED)
      await assertFails(child.split({ color: 0 }), CLOSED)
      await assertFails(child.splitByNode(), CLOSED)
      await assertFails(child.duplicate(), CLOSED)
      await assertFails(child.createWindow({ length: 1 }), CLOSED)
      assert.equal(await communicator.allreduce(1, 'sum'), communicator.size)
    },
  },
  {
    name: 'closing a communicator ends the receives that still wait there, and forgets what nobody received',
    run: async (communicator) => {
      const child = await communicator.duplicate()
      for (const destination of ranksOf(child)) await child.send('never received', { destination, tag: 1 })
      const waiting = assertFails(child.receive({ tag: 2 }), CLOSED)
      await child.close()
      await waiting
      await assertFails(communicator.receive({ timeoutMs: 0 }), 'ERR_MPIBATCH_TIMEOUT')
    },
  },
]
