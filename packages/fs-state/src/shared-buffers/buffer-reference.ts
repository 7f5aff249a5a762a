/** References to shared buffers: plain data that anybody may have made, so that all of it is looked at (pure). */
import { constants } from 'node:buffer'
import { UsageError } from '@mpibatch/batch-core'
import { isObject } from '../json-object.ts'
import { type BufferElementType, elementClass } from './element-types.ts'
import { isHolderName } from './holder-name.ts'

/**
 * Names a shared buffer: plain data of some 200 bytes, which goes as JSON or in a message to any process of the same
 * user on the same machine. Made by `SharedBuffers.put`; whoever gets it calls `SharedBuffers.map`.
 *
 * It holds nothing by itself: somebody has to hold the buffer until the other does.
 */
export interface BufferReference<Type extends BufferElementType = BufferElementType> {
  /** Who has put it. */
  readonly holder: string
  /** Differs between all buffers. */
  readonly id: string
  /** Name of the typed array, `'Float64Array'`. */
  readonly type: Type
  /** Number of elements. */
  readonly length: number
  readonly sizeBytes: number
  /** Extents of the dimensions, the last of which lies closest in memory; their product is `length`. */
  readonly shape: readonly number[]
  /** Name of the host where it lies, for people. */
  readonly machine: string
}

/** A buffer has to fit into one array buffer of this Node: 4 GiB for Node 20, more for later ones. */
export const BUFFER_SIZE_BYTES_MAX: number = constants.MAX_LENGTH

const DIMENSIONS_MAX = 32
/** Longer than any name of a host may be. */
const MACHINE_LENGTH_MAX = 255
const ID = /^[0-9a-f]{32}$/

/**
 * Looks at a reference that came from anywhere. Nothing in it can lead out of the buffers' directory.
 *
 * @throws {@link UsageError} if it can't be one; the message says what is wrong.
 */
export function checkReference<Type extends BufferElementType>(
  reference: BufferReference<Type>,
): BufferReference<Type> {
  const value: unknown = reference
  if (!isObject(value)) throw refusal('it is no object')
  const { holder, id, type, length, sizeBytes, machine } = value
  const shape: unknown = Array.isArray(value.shape) ? [...value.shape] : undefined
  if (typeof holder !== 'string' || !isHolderName(holder)) throw refusal('its "holder" is none')
  if (typeof id !== 'string' || !ID.test(id)) throw refusal('its "id" is none')
  const elements = typeof type === 'string' ? elementClass(type) : undefined
  if (elements === undefined) throw refusal('its "type" is no typed array')
  if (!isCount(length)) throw refusal('its "length" is no number of elements')
  if (sizeBytes !== length * elements.BYTES_PER_ELEMENT)
    throw refusal('its "sizeBytes" is not that of its elements')
  if (!isShapeOf(shape, length)) throw refusal('its "shape" does not have as many elements as it has')
  if (typeof machine !== 'string' || machine.length > MACHINE_LENGTH_MAX)
    throw refusal('its "machine" is no name of a host')
  return { holder, id, type: type as Type, length, sizeBytes, shape, machine }
}

/** Tells whether a value can be the shape of so many elements. */
export function isShapeOf(value: unknown, length: number): value is readonly number[] {
  if (!Array.isArray(value) || value.length > DIMENSIONS_MAX || !value.every(isCount)) return false
  return value.reduce<number>((product, extent) => product * extent, 1) === length
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function refusal(fault: string): UsageError {
  return new UsageError(
    `This is no reference to a shared buffer: ${fault}. Pass what put() has returned, whole and unchanged.`,
  )
}
