import { typeNamed } from '@mpibatch/batch-core'

/** The typed arrays that a shared buffer can have, by name. */
export interface BufferElements {
  readonly Int8Array: Int8Array
  readonly Uint8Array: Uint8Array
  readonly Uint8ClampedArray: Uint8ClampedArray
  readonly Int16Array: Int16Array
  readonly Uint16Array: Uint16Array
  readonly Int32Array: Int32Array
  readonly Uint32Array: Uint32Array
  readonly Float32Array: Float32Array
  readonly Float64Array: Float64Array
  readonly BigInt64Array: BigInt64Array
  readonly BigUint64Array: BigUint64Array
}

/** Name of a typed array. */
export type BufferElementType = keyof BufferElements

interface ElementClass<Values> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike): Values
}

/** The class of a typed array; `undefined` if this is the name of none. */
export function elementClass<Type extends BufferElementType>(
  type: Type | (string & {}),
): ElementClass<BufferElements[Type]> | undefined {
  return typeNamed(type) as ElementClass<BufferElements[Type]> | undefined
}
