/** The typed arrays of JavaScript, taken together. */

/** A typed array of any kind. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

/** What a typed array holds: `bigint` in BigInt64Array and BigUint64Array, else `number`. */
export type ElementOf<T extends TypedArray> = T[number]

/** A class of typed arrays, such as `Float64Array`. */
export interface TypedArrayType<T extends TypedArray> {
  readonly prototype: T
  /** Bytes of one element. */
  readonly BYTES_PER_ELEMENT: number
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray
}

const TYPES: ReadonlyMap<string, TypedArrayType<TypedArray>> = new Map(
  [
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
  ].map((type) => [type.name, type as TypedArrayType<TypedArray>]),
)

/** Names of all types. */
export const TYPE_NAMES: readonly string[] = [...TYPES.keys()]

/** The name of what a class makes; `undefined` if it makes no typed arrays. Subclasses count as what they extend. */
export function typeNameOf(type: unknown): string | undefined {
  for (const [name, known] of TYPES) {
    if (type === known || (typeof type === 'function' && type.prototype instanceof known)) return name
  }
  return undefined
}

/** The class of a name of {@link TYPE_NAMES}. */
export function typeNamed(name: string): TypedArrayType<TypedArray> | undefined {
  return TYPES.get(name)
}

/** The name of the type of these values; `undefined` if they are no typed array. Node's Buffer is a Uint8Array. */
export function typeNameOfValues(values: unknown): string | undefined {
  if (!ArrayBuffer.isView(values) || values instanceof DataView) return undefined
  // Subclasses have it too, and so have arrays of another realm.
  const name = (values as TypedArray)[Symbol.toStringTag]
  return TYPES.has(name) ? name : undefined
}
