import { describe, expect, expectTypeOf, test } from 'vitest'
import { ArrayView } from '../src/array-view.ts'
import type { Communicator } from '../src/communicator.ts'
import { SharedMemoryError } from '../src/errors.ts'
import { createMessageCommunicator } from '../src/message-communicator.ts'
import { SharedArray } from '../src/shared-array.ts'
import { createSoloCommunicator } from '../src/solo-communicator.ts'
import { arrayWriteCases } from '../src/testing/contract-array-writes.ts'
import { sharedArrayCases } from '../src/testing/contract-shared-arrays.ts'
import { sharedMemoryCases } from '../src/testing/contract-shared-memory.ts'
import { createLoopbackTransports } from '../src/testing/loopback-communicator.ts'
import { createNodes } from './nodes.ts'

/** On one node they are part of the whole contract. */
const cases = [...sharedMemoryCases, ...sharedArrayCases, ...arrayWriteCases]

for (const nodeOf of [
  [0, 1],
  [0, 0, 1],
  [0, 1, 2, 0, 1],
]) {
  test.each(cases)(`on nodes ${nodeOf.join()}: $name`, async ({ run }) => {
    await Promise.all(createNodes(nodeOf).map(run))
  })
}

describe('a shared array of several nodes', () => {
  test('is set in more pieces than may be under way, and keeps what lies around the part', async () => {
    const [rows, columns] = [41, 1 << 20]
    const part = new Uint8Array((columns - 7) * rows).map((_, index) => 1 + (index % 251))
    const copies = await Promise.all(
      createNodes([0, 1, 1, 0]).map(async (communicator) => {
        const array = await SharedArray.empty({ communicator, type: Uint8Array, shape: [rows, columns] })
        const given = communicator.rank === 2 ? part : undefined
        await array.assign(given, { offset: [0, 3], shape: [rows, columns - 7] })
        return array
      }),
    )
    for (const array of copies) {
      const view = array.view()
      expect(Buffer.compare(view.slice(undefined, [3, columns - 4]).toArray(), part)).toBe(0)
      for (const beside of [view.slice(undefined, [0, 3]), view.slice(undefined, [columns - 4, columns])]) {
        expect([...beside].every((value) => value === 0)).toBe(true)
      }
    }
    await Promise.all(copies.map((array) => array.close()))
  })

  test('is made on no node if one of them has not the memory', async () => {
    const made = createNodes([0, 1, 1]).map((communicator) => {
      const refused = communicator.rank === 0 ? communicator : withoutMemory(communicator)
      return SharedArray.empty({ communicator: refused, type: Int8Array, shape: [8] })
    })
    for (const outcome of await Promise.allSettled(made)) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_MPIBATCH_SHARED_MEMORY', message: 'none left' } })
    }
  })
})

test('a rank that is lost while an array is set is named to the rank that waits for it, and so on', async () => {
  const transports = createLoopbackTransports(3)
  const [first, second, lost] = await Promise.all(
    transports.map((transport) =>
      SharedArray.empty({ communicator: createMessageCommunicator(transport), type: Int8Array, shape: [2] }),
    ),
  )
  const [onFirst, onSecond] = [first, second].map(async (array) => array?.set(Int8Array.of(1, 2)))
  transports[2]?.lose()
  await expect(onFirst).rejects.toMatchObject({
    code: 'ERR_MPIBATCH_RANK_LOST',
    details: { worldRanks: [2] },
  })
  // Its script ends by that error.
  transports[0]?.lose()
  await expect(onSecond).rejects.toMatchObject({
    code: 'ERR_MPIBATCH_RANK_LOST',
    details: { worldRanks: [0] },
  })
  expect([...(lost?.values ?? [])]).toEqual([0, 0])
})

test('a shared array has the type of its class of values', async () => {
  const array = await SharedArray.full(2n, { communicator: null, type: BigUint64Array, shape: [2] })
  expectTypeOf(array.values).toEqualTypeOf<BigUint64Array>()
  expectTypeOf(array.view().at(0)).toEqualTypeOf<bigint>()
  const copied = await SharedArray.copy(ArrayView.of(new Float32Array(4), [2, 2]), { communicator: null })
  expectTypeOf(copied.view().index(0).at(1)).toEqualTypeOf<number>()
  expect([...copied.shape, ...array.values]).toEqual([2, 2, 2n, 2n])
})

test('a shared array says which rank is to mend what', async () => {
  const array = await SharedArray.empty({
    communicator: createSoloCommunicator(),
    type: Int8Array,
    shape: [2, 3],
  })
  await expect(array.set(new Float64Array(6) as never)).rejects.toThrow(
    'The values are a Float64Array, but the array holds a Int8Array. Convert them: Int8Array.from(values).',
  )
  await expect(array.set(new Int8Array(3))).rejects.toThrow(
    'Say which part of an array of shape [2, 3] these 3 values are: { offset, shape }.',
  )
})

/** The same ranks; where they share memory, there is none. */
function withoutMemory(communicator: Communicator): Communicator {
  return new Proxy(communicator, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        if (name === 'allocateShared') throw new SharedMemoryError('none left')
        const result: unknown = await Reflect.apply(value, target, given)
        return name === 'splitByNode' || name === 'duplicate' ? withoutMemory(result as Communicator) : result
      }
    },
  })
}
