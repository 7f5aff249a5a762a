import assert from 'node:assert/strict'
import { assertFails, type ContractCase, ranksOf } from './contract-case.ts'

const SIZE_BYTES = 100_003

/** What holds for memory that members share. */
export const sharedMemoryCases: readonly ContractCase[] = [
  {
    name: 'shared memory is all zero, and each member sees what any member wrote',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      const memory = await node.allocateShared({ sizeBytes: SIZE_BYTES })
      assert.equal(memory.sizeBytes, SIZE_BYTES)
      const [writable, readable] = [new Uint8Array(memory.writable), new Uint8Array(memory.readable)]
      assert.equal(writable.length, SIZE_BYTES)
      assert.equal(readable.length, SIZE_BYTES)
      assert.ok(readable.every((byte) => byte === 0))
      await node.barrier()
      writable[SIZE_BYTES - 1 - node.rank] = node.rank + 1
      await node.barrier()
      for (const rank of ranksOf(node)) assert.equal(readable[SIZE_BYTES - 1 - rank], rank + 1)
      assert.equal(readable[SIZE_BYTES - 1 - node.size], 0)
      await memory.close()
      await node.close()
    },
  },
  {
    name: 'two pieces of shared memory are apart, also of one size, and one may be empty',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      const sizes = [8, 8, 0, 1]
      const memories = []
      for (const sizeBytes of sizes) memories.push(await node.allocateShared({ sizeBytes }))
      for (const [index, { writable }] of memories.entries()) {
        if (node.rank === 0) new Uint8Array(writable).fill(index + 1)
      }
      await node.barrier()
      assert.deepEqual(
        memories.map((memory) => [...new Uint8Array(memory.readable)]),
        sizes.map((size, index) => new Array(size).fill(index + 1)),
      )
      await memories[0]?.close()
      assert.equal(new Uint8Array(memories[1]?.readable ?? new ArrayBuffer(0))[7], 2)
      for (const memory of memories) await memory.close()
      await node.close()
    },
  },
  {
    name: 'shared memory needs the same size on all ranks, of 0 or more, and says so to all',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      for (const sizeBytes of [-1, 0.5]) {
        await assertFails(node.allocateShared({ sizeBytes }), 'ERR_MPIBATCH_USAGE')
      }
      if (node.size > 1) {
        const sizeBytes = node.rank === 0 ? 1 : 2
        await assertFails(node.allocateShared({ sizeBytes }), 'ERR_MPIBATCH_CONFIG_MISMATCH')
      }
      await node.close()
    },
  },
  {
    name: 'members on several nodes get no shared memory, and hear it all',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      const isOneNode = node.size === communicator.size
      const allocated = communicator.allocateShared({ sizeBytes: 8 })
      if (isOneNode) await (await allocated).close()
      else await assertFails(allocated, 'ERR_MPIBATCH_USAGE')
      await node.close()
    },
  },
]
