import assert from 'node:assert/strict'
import { ArrayView } from '../array-view.ts'
import { SharedArray } from '../shared-array.ts'
import { TYPE_NAMES, type TypedArray, typeNamed } from '../typed-arrays.ts'
import { assertFails, type ContractCase, ranksOf } from './contract-case.ts'

const USAGE = 'ERR_MPIBATCH_USAGE'

/** What else a shared array promises over any communicator: to be written right, or not at all. */
export const arrayWriteCases: readonly ContractCase[] = [
  {
    name: 'a shared array is made of values of any type that one rank has',
    run: async (communicator) => {
      const from = communicator.size - 1
      for (const name of TYPE_NAMES) {
        const isMine = communicator.rank === from
        const array = await SharedArray.copy(isMine ? numbers(name, 6) : undefined, {
          communicator,
          from,
          shape: [3, 2],
        })
        assert.equal(array.typeName, name)
        assert.deepEqual(array.view().toArray(), numbers(name, 6))
        await array.close()
      }
    },
  },
  {
    name: 'a view is copied to a shared array with its shape, also one that lies in pieces',
    run: async (communicator) => {
      const view = ArrayView.of(numbers('Float32Array', 24), [2, 3, 4]).slice(undefined, [1, 3], [0, 2])
      const array = await SharedArray.copy(view, { communicator })
      assert.deepEqual(array.shape, [2, 2, 2])
      assert.deepEqual([...array.values], [4, 5, 8, 9, 16, 17, 20, 21])
      await array.close()
    },
  },
  {
    name: 'values that are missing, of another type or another number make no shared array, on any rank',
    run: async (communicator) => {
      await assertFails(SharedArray.copy(undefined, { communicator }), USAGE)
      await assertFails(SharedArray.copy([1, 2] as never, { communicator }), USAGE)
      await assertFails(SharedArray.copy(new Int8Array(3), { communicator, shape: [2] }), USAGE)
      await assertFails(SharedArray.copy(new Int8Array(3), { communicator, from: communicator.size }), USAGE)
      const options = { communicator, shape: [2] }
      const invalid = 'ERR_MPIBATCH_CONFIG_INVALID'
      await assertFails(SharedArray.full(1n as never, { ...options, type: Int8Array }), invalid)
      await assertFails(SharedArray.full(1 as never, { ...options, type: BigInt64Array }), invalid)
      await assertFails(SharedArray.empty({ ...options, type: Array as never }), invalid)
      await assertFails(SharedArray.empty({ ...options, type: Int8Array, access: 'all' as never }), invalid)
    },
  },
  {
    name: 'a part of a shared array is set where it belongs, and nothing beside it',
    run: async (communicator) => {
      const array = await SharedArray.full(-1, { communicator, type: Int16Array, shape: [4, 5] })
      const from = communicator.size - 1
      await array.set(Int16Array.of(1, 2, 3, 4), { offset: [1, 2], shape: [2, 2], from })
      await array.set(ArrayView.of(Int16Array.of(9, 8, 7, 6), [4, 1]), { offset: [0, 4], from })
      await array.set(new Int16Array(0), { offset: [4, 5], shape: [0, 0], from })
      const rows = ranksOf({ ...communicator, size: 4 }).map((index) => [...array.view().index(index)])
      assert.deepEqual(rows, [
        [-1, -1, -1, -1, 9],
        [-1, -1, 1, 2, 8],
        [-1, -1, 3, 4, 7],
        [-1, -1, -1, -1, 6],
      ])
      await array.close()
    },
  },
  {
    name: 'values that do not fit a shared array are refused on all ranks, and change nothing',
    run: async (communicator) => {
      const array = await SharedArray.full(5, { communicator, type: Float64Array, shape: [2, 3] })
      const row = new Float64Array(3)
      const from = communicator.size - 1
      for (const set of [
        () => array.set(new Float32Array(6) as never, { from }),
        () => array.set([1, 2, 3, 4, 5, 6] as never, { from }),
        () => array.set(undefined, { from }),
        // Whether it is the first row or the second is not said.
        () => array.set(row, { from }),
        () => array.set(row, { offset: [0, 0], shape: [1, 2], from }),
        () => array.set(row, { offset: [0, 1], shape: [1, 3], from }),
        () => array.set(row, { offset: [2, 0], shape: [1, 3], from }),
        () => array.set(row, { offset: [-1, 0], shape: [1, 3], from }),
        () => array.set(row, { offset: [0.5, 0], shape: [1, 3], from }),
        () => array.set(row, { offset: [0], shape: [3], from }),
        () => array.set(row, { offset: 0 as never, shape: [1, 3], from }),
        () => array.set(new Float64Array(6), { from: communicator.size }),
        () => array.set(new Float64Array(6), { from: -1 }),
      ]) {
        await assertFails(set(), USAGE)
      }
      assert.ok(array.values.every((value) => value === 5))
      await array.close()
    },
  },
  {
    name: 'ranks that set a shared array with values from different ranks all hear of it',
    run: async (communicator) => {
      if (communicator.size === 1) return
      const array = await SharedArray.empty({ communicator, type: Int8Array, shape: [1] })
      const mismatch = 'ERR_MPIBATCH_CONFIG_MISMATCH'
      const values = Int8Array.of(1)
      const isLast = communicator.rank === communicator.size - 1
      await assertFails(array.set(values, { from: isLast ? 1 : 0 }), mismatch)
      await assertFails(isLast ? array.assign(values) : array.set(values), mismatch)
      await array.set(values)
      assert.equal(array.values[0], 1)
      await array.close()
    },
  },
  {
    name: 'assign takes values from the one rank that has some, and from nobody else',
    run: async (communicator) => {
      const { rank, size } = communicator
      const array = await SharedArray.empty({ communicator, type: Uint8Array, shape: [size] })
      await assertFails(array.assign(undefined), USAGE)
      if (size > 1) await assertFails(array.assign(new Uint8Array(size)), USAGE)
      for (const from of ranksOf(communicator)) {
        await array.assign(from === rank ? Uint8Array.of(from + 1) : undefined, { offset: [from] })
      }
      assert.deepEqual(
        [...array.values],
        ranksOf(communicator).map((other) => other + 1),
      )
      await array.close()
    },
  },
  {
    name: 'a shared array is moved within itself, from and to places that overlap',
    run: async (communicator) => {
      const length = 1000
      const array = await SharedArray.copy(numbers('Int32Array', length), { communicator })
      const view = array.view() as ArrayView<TypedArray>
      await array.set(view.slice([0, length - 7]), { offset: [7] })
      await array.set(view.slice([7, length]), { offset: [0] })
      assert.deepEqual([...array.values].slice(0, length - 7), [...numbers('Int32Array', length - 7)])
      await array.close()
      const table = await SharedArray.copy(numbers('Int8Array', 12), { communicator, shape: [4, 3] })
      const firstSix = table.values.subarray(0, 6)
      await table.set(firstSix, { offset: [0, 1], shape: [3, 2] })
      assert.deepEqual([...table.values], [0, 0, 1, 3, 2, 3, 6, 4, 5, 9, 10, 11])
      await table.close()
    },
  },
  {
    name: 'a shared array is set in the order of the calls, also when they are under way at once',
    run: async (communicator) => {
      const array = await SharedArray.empty({ communicator, type: Int32Array, shape: [3] })
      const sets = [1, 2, 3].map((value) => array.set(Int32Array.of(value, value), { offset: [value % 2] }))
      const closed = Promise.all(sets).then(() => [...array.values])
      assert.deepEqual(await closed, [2, 3, 3])
      // Not before what was asked for first, which fails.
      const failing = array.set(undefined)
      const closing = array.close()
      await assertFails(failing, USAGE)
      await closing
    },
  },
  {
    name: 'views share the memory of their shared array',
    run: async (communicator) => {
      const array = await SharedArray.empty({ communicator, type: Float64Array, shape: [2, 5, 10] })
      const view = array.view()
      const [row, column] = [view.index(1).index(2), view.slice(undefined, [2, 3], [4, 5])]
      assert.equal(row.values?.buffer, array.values.buffer)
      assert.equal(column.values, undefined)
      await array.set(Float64Array.of(0.5), { offset: [1, 2, 4], shape: [1, 1, 1] })
      assert.equal(row.at(4), 0.5)
      assert.equal(row.values?.[4], 0.5)
      assert.deepEqual([...column], [0, 0.5])
      await array.close()
    },
  },
  {
    name: 'with direct access every rank of a node writes into the one copy itself',
    run: async (communicator) => {
      const node = await communicator.splitByNode()
      const options = { type: Int32Array, shape: [node.size, 4], access: 'direct' } as const
      const array = await SharedArray.empty({ communicator: node, ...options })
      assert.equal(array.isProtected, false)
      array
        .view()
        .index(node.rank)
        .values?.fill(node.rank + 1)
      await node.barrier()
      for (const rank of ranksOf(node))
        assert.deepEqual([...array.view().index(rank)], new Array(4).fill(rank + 1))
      await array.close()
      if (node.size < communicator.size) {
        const made = SharedArray.empty({ communicator, ...options, shape: [1] })
        await assertFails(made, 'ERR_MPIBATCH_CONFIG_INVALID')
      }
      await node.close()
    },
  },
  {
    name: 'a closed shared array has no values, and takes none',
    run: async (communicator) => {
      const array = await SharedArray.full(7, { communicator, type: Uint8ClampedArray, shape: [2] })
      const view = array.view()
      // Threads still have the memory, but nobody may rely on that.
      const isFreed = array.isProtected
      await Promise.all([array.close(), array.close()])
      const closed = 'ERR_MPIBATCH_CLOSED'
      assert.throws(() => array.values, { code: closed })
      assert.throws(() => array.view(), { code: closed })
      for (const read of [() => view.at(1), () => view.values, () => view.toArray(), () => [...view]]) {
        if (isFreed) assert.throws(read, { code: closed })
      }
      const other = await SharedArray.empty({ communicator, type: Uint8ClampedArray, shape: [2] })
      if (isFreed) await assertFails(other.set(view), closed)
      await other.close()
      await assertFails(array.set(new Uint8ClampedArray(2)), closed)
      await assertFails(array.assign(new Uint8ClampedArray(2)), closed)
    },
  },
]

/** 0, 1, 2 and so on, in a typed array of that name. */
function numbers(name: string, count: number): TypedArray {
  const type = typeNamed(name)
  assert.ok(type !== undefined)
  const values = new type(count)
  for (let index = 0; index < count; index += 1) {
    values[index] = (name.startsWith('Big') ? BigInt(index) : index) as never
  }
  return values
}
