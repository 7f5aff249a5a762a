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

interface ElementType<Values> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer): Values
}

type ElementTypes = { readonly [Type in BufferElementType]: ElementType<BufferElements[Type]> }

/** The class of each. */
export const ELEMENT_TYPES: ElementTypes = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
}

/** Tells whether a value is the name of a typed array that a buffer can have. */
export function isElementType(value: unknown): value is BufferElementType {
  return typeof value === 'string' && Object.hasOwn(ELEMENT_TYPES, value)
}
