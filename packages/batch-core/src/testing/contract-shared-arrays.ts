import assert from 'node:assert/strict'
import type { Communicator } from '../communicator.ts'
import { SharedArray } from '../shared-array.ts'
import type { TypedArray, TypedArrayType } from '../typed-arrays.ts'
import { assertFails, type ContractCase, ranksOf, splitInto } from './contract-case.ts'

const SHAPE = [2, 5, 10] as const
/** Of what is set at once: half a row. */
const PIECE = [1, 1, 5] as const
const COUNT = 40

/** The four types of pshmem's own tests. */
const TYPES: readonly TypedArrayType<TypedArray>[] = [Int32Array, BigInt64Array, Float32Array, Float64Array]

/** What pshmem's tests of MPIShared ask for, over any communicator, and on any node. */
export const sharedArrayCases: readonly ContractCase[] = [
  {
    name: 'a shared array shows all ranks what each of them sets, piece by piece, in four types',
    run: async (communicator) => {
      for (const type of TYPES) await checkPieces({ communicator, type })
    },
  },
  {
    name: 'halves of a communicator have shared arrays of their own',
    run: async (communicator) => {
      const half = await splitInto(communicator, communicator.rank % 2)
      await checkPieces({ communicator: half, type: Int32Array })
      await half.close()
    },
  },
  {
    name: 'rows and columns of a grid of ranks have shared arrays of their own, at the same time',
    run: async (communicator) => {
      const { rank, size } = communicator
      for (const rowCount of new Set([1, Math.floor(Math.sqrt(size)), size])) {
        const columnCount = Math.ceil(size / rowCount)
        const row = await splitInto(communicator, Math.floor(rank / columnCount))
        const column = await splitInto(communicator, rank % columnCount)
        await Promise.all([
          checkPieces({ communicator: row, type: BigInt64Array }),
          checkPieces({ communicator: column, type: Float32Array }),
        ])
        await row.close()
        await column.close()
      }
    },
  },
  {
    name: 'a rank that is alone in its communicator has shared arrays of its own',
    run: async (communicator) => {
      const alone = await splitInto(communicator, communicator.rank)
      await checkPieces({ communicator: alone, type: Float64Array })
      await checkPieces({ communicator: null, type: Float64Array })
      await alone.close()
    },
  },
  {
    name: 'shared arrays take node communicators that are given, one after another, and leave them open',
    run: async (communicator) => {
      const nodeCommunicator = await communicator.splitByNode()
      for (const value of [1, 2]) {
        const options = { communicator, nodeCommunicator, type: Float64Array, shape: [2] }
        const array = await SharedArray.full(value, options)
        assert.deepEqual([...array.values], [value, value])
        await array.close()
      }
      assert.deepEqual(await nodeCommunicator.allgather(nodeCommunicator.rank), ranksOf(nodeCommunicator))
      // Halves of a node make two copies there.
      const part = await splitInto(nodeCommunicator, nodeCommunicator.rank % 2)
      await checkPieces({ communicator, nodeCommunicator: part, type: Float32Array })
      await part.close()
      await nodeCommunicator.close()
    },
  },
  {
    name: 'node communicators that do not divide the communicator are refused on all ranks',
    run: async (communicator) => {
      if (communicator.size < 2) return
      const options = { type: Float64Array, shape: [10, 5] }
      const refused = 'ERR_MPIBATCH_CONFIG_INVALID'
      // The first and the last rank make an array, over nodes that have others too.
      const ends = await splitInto(communicator, communicator.rank % (communicator.size - 1) === 0 ? 0 : 1)
      if (communicator.size > ends.size) {
        const made = SharedArray.empty({ ...options, communicator: ends, nodeCommunicator: communicator })
        await assertFails(made, refused)
      }
      await ends.close()
      // One rank gives none.
      const alone = await splitInto(communicator, communicator.rank)
      const given = communicator.rank === 0 ? {} : { nodeCommunicator: alone }
      await assertFails(SharedArray.empty({ ...options, communicator, ...given }), refused)
      await alone.close()
    },
  },
  {
    name: 'shapes are of any number of dimensions, and bad ones are refused on all ranks',
    run: async (communicator) => {
      for (const shape of [[], [1], [10, 2], [2, 5, 10], [1, 2, 3, 4, 5]]) {
        const array = await SharedArray.empty({ communicator, type: Float64Array, shape })
        assert.deepEqual(array.shape, shape)
        assert.equal(array.values.length, array.length)
        assert.ok(array.values.every((value) => value === 0))
        await array.close()
      }
      for (const shape of [[-1], [2, 5.5, 10], [Number.NaN], ['2'], [2 ** 31, 2 ** 31], 7, undefined]) {
        const made = SharedArray.empty({ communicator, type: Float64Array, shape: shape as number[] })
        const { message } = await assertFails(made, 'ERR_MPIBATCH_CONFIG_INVALID')
        assert.ok(message.startsWith('The shape is ') || message.startsWith('An array of shape '), message)
      }
    },
  },
  {
    name: 'ranks that ask for different shared arrays all hear of it',
    run: async (communicator) => {
      if (communicator.size === 1) return
      const isLast = communicator.rank === communicator.size - 1
      const mismatch = 'ERR_MPIBATCH_CONFIG_MISMATCH'
      const shared = { communicator, type: Float64Array, shape: [2] }
      const others = isLast
        ? [{ shape: [3] }, { shape: [-1] }, { type: Int8Array }, { access: 'direct' as const }]
        : [{}, {}, {}, {}]
      for (const other of others)
        await assertFails(SharedArray.empty<TypedArray>({ ...shared, ...other }), mismatch)
      await assertFails(SharedArray.full(isLast ? 1 : 2, shared), mismatch)
      await assertFails(SharedArray.copy(new Int8Array(3), { communicator, from: isLast ? 0 : 1 }), mismatch)
    },
  },
  {
    name: 'a shared array may have no elements, and nothing can be set in it',
    run: async (communicator) => {
      for (const shape of [[0], [3, 0, 2]]) {
        const array = await SharedArray.empty({ communicator, type: Float64Array, shape })
        assert.equal(array.length, 0)
        assert.equal(array.values.length, 0)
        assert.deepEqual([...array.view()], [])
        await assertFails(array.set(Float64Array.of(1)), 'ERR_MPIBATCH_USAGE')
        await assertFails(array.set(new Float64Array(0), { shape }), 'ERR_MPIBATCH_USAGE')
        const given = communicator.rank === 0 ? Float64Array.of(1) : undefined
        await assertFails(array.assign(given, { offset: [0] }), 'ERR_MPIBATCH_USAGE')
        await array.close()
      }
    },
  },
  {
    name: 'many shared arrays are made at once, each with values of its own',
    run: async (communicator) => {
      const values = Array.from({ length: COUNT }, (_, index) => index + 0.5)
      const options = { communicator, type: Float64Array, shape: [5, 5] }
      const arrays = await Promise.all(values.map((value) => SharedArray.full(value, options)))
      for (const [index, array] of arrays.entries()) {
        assert.ok(array.values.every((value) => value === index + 0.5))
      }
      await Promise.all(arrays.map((array) => array.close()))
    },
  },
]

interface CheckOptions {
  readonly communicator: Communicator | null
  readonly nodeCommunicator?: Communicator
  readonly type: TypedArrayType<TypedArray>
}

/** Each rank in its turn sets the whole array in pieces, first by `set`, then by `assign`, and all ranks read all. */
async function checkPieces({ type, ...options }: CheckOptions): Promise<void> {
  const array = await SharedArray.empty({ ...options, type, shape: SHAPE })
  const { rank, size } = options.communicator ?? { rank: 0, size: 1 }
  for (let from = 0; from < size; from += 1) {
    const values = filled(type, from + 1)
    let isSet = from % 2 === 0
    for (const offset of offsets()) {
      const given = from === rank ? values : undefined
      const region = { offset, shape: PIECE }
      if (isSet) await array.set(given, { ...region, from })
      else await array.assign(given, region)
      isSet = !isSet
    }
    const wanted = values[0]
    assert.ok(wanted !== undefined)
    assert.ok(
      [...array.values].every((value) => value === wanted),
      `rank ${from} has set ${wanted}`,
    )
    // Nobody sets more before all have read.
    await array.assign(from === rank ? array.view() : undefined)
  }
  await array.close()
}

function* offsets(): Generator<readonly number[]> {
  for (let first = 0; first < SHAPE[0]; first += PIECE[0]) {
    for (let second = 0; second < SHAPE[1]; second += PIECE[1]) {
      for (let third = 0; third < SHAPE[2]; third += PIECE[2]) yield [first, second, third]
    }
  }
}

function filled(type: TypedArrayType<TypedArray>, value: number): TypedArray {
  const values = new type(PIECE[2])
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return values.fill(BigInt(value))
  return values.fill(value)
}
