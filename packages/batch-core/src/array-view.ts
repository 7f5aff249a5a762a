import { packRuns } from './array-runs.ts'
import { checkShape, countElements, describeList, positionsOf, type Run, stridesOf } from './array-shape.ts'
import { ClosedError, UsageError } from './errors.ts'
import { invariant } from './invariant.ts'
import { type ElementOf, type TypedArray, typeNamed } from './typed-arrays.ts'

/** From `start` up to, but without, `end`; `undefined` for the whole dimension. */
export type SliceRange = readonly [start: number, end: number] | undefined

/**
 * A typed array, or a part of one, seen as an array of several dimensions. Nothing is copied: what changes in the typed
 * array changes in all its views.
 *
 * Elements lie in rows: the last index runs fastest, as in C and NumPy. Indices are 0-based; none counts from the end.
 * {@link SharedArray.view} makes views of a shared array, {@link ArrayView.of} of any typed array.
 *
 * A view of a shared array must not be used after the array is closed. Where ranks are processes, it throws
 * {@link ClosedError} then.
 */
export class ArrayView<T extends TypedArray> implements Iterable<ElementOf<T>> {
  /** Number of elements, one per dimension; empty for a single element. */
  readonly shape: readonly number[]
  /** For each dimension, how many elements of the typed array lie between an index and the next. */
  readonly strides: readonly number[]
  /** Number of elements. */
  readonly length: number
  /** Name of the type of its values, such as `Float64Array`. */
  readonly typeName: string
  readonly #all: T
  /** Position of the view's first element in it. */
  readonly #first: number

  private constructor(
    all: T,
    first: number,
    { shape, strides }: { readonly shape: readonly number[]; readonly strides: readonly number[] },
  ) {
    this.shape = shape
    this.strides = strides
    this.length = countElements(shape)
    this.typeName = all[Symbol.toStringTag]
    this.#all = all
    this.#first = first
  }

  /**
   * Makes a view of a whole typed array.
   *
   * @param values - As many elements as the shape has.
   * @param shape - @defaultValue one dimension
   * @throws {@link ConfigError} if the shape is none.
   * @throws {@link UsageError} if the number of elements does not fit.
   */
  static of<T extends TypedArray>(values: T, shape: readonly number[] = [values.length]): ArrayView<T> {
    const checked = checkShape(shape)
    if (values.length !== countElements(checked)) {
      throw new UsageError(
        `There are ${values.length} values, but an array of shape ${describeList(shape)} has ${countElements(checked)}.`,
      )
    }
    return new ArrayView(values, 0, { shape: checked, strides: stridesOf(checked) })
  }

  /**
   * The view's elements as a typed array over the same memory, if they lie side by side; else `undefined`. What loops
   * over many elements is fastest with it.
   */
  get values(): T | undefined {
    const rows = stridesOf(this.shape)
    const isWhole = this.shape.every((extent, index) => extent < 2 || this.strides[index] === rows[index])
    if (!isWhole && this.length > 0) return undefined
    if (this.length > this.#all.length) throw freedError()
    return this.#all.subarray(this.#first, this.#first + this.length) as T
  }

  /**
   * Reads one element.
   *
   * @param indices - One per dimension.
   * @throws {@link UsageError} if there is no such element.
   */
  at(...indices: readonly number[]): ElementOf<T> {
    const { shape, strides } = this
    let position = this.#first
    let isThere = indices.length === shape.length
    for (let dimension = 0; dimension < shape.length; dimension += 1) {
      const [index = -1, extent = 0, stride = 0] = [indices[dimension], shape[dimension], strides[dimension]]
      isThere &&= Number.isInteger(index) && index >= 0 && index < extent
      position += index * stride
    }
    if (isThere) return this.#read(position)
    throw new UsageError(
      `There is no element ${describeList(indices)} in a view of shape ${describeList(shape)}.`,
    )
  }

  /**
   * Takes one index of the first dimension, which the new view does not have.
   *
   * @throws {@link UsageError} if there is no such index.
   */
  index(index: number): ArrayView<T> {
    const [extent = 0, ...shape] = this.shape
    const [stride = 0, ...strides] = this.strides
    if (this.shape.length > 0 && Number.isInteger(index) && index >= 0 && index < extent) {
      return new ArrayView(this.#all, this.#first + index * stride, { shape, strides })
    }
    throw new UsageError(`There is no index ${index} in a view of shape ${describeList(this.shape)}.`)
  }

  /**
   * Takes a part of each dimension.
   *
   * @param ranges - One per dimension, in order; dimensions without one are taken whole.
   * @throws {@link UsageError} if a range does not lie within its dimension.
   */
  slice(...ranges: readonly SliceRange[]): ArrayView<T> {
    let first = this.#first
    const shape = this.shape.map((extent, dimension) => {
      const [start, end] = ranges[dimension] ?? [0, extent]
      const isThere =
        Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= extent
      if (!isThere) throw noSuchSlice(ranges, this.shape)
      // An empty part may begin behind the last element; nothing is read there.
      first += start * (this.strides[dimension] ?? 0)
      return end - start
    })
    if (ranges.length > shape.length) throw noSuchSlice(ranges, this.shape)
    return new ArrayView(this.#all, first, { shape, strides: this.strides })
  }

  /** Copies the elements, in order, to a typed array of their own. */
  toArray(): T {
    const type = typeNamed(this.typeName)
    invariant(type !== undefined, 'A view is of a typed array')
    return packRuns(type, this.#all, { runs: this.#runs(), length: this.length }) as T
  }

  /** The elements, in order: of several dimensions the last index runs fastest. */
  *[Symbol.iterator](): Generator<ElementOf<T>> {
    for (const { start, length } of this.#runs()) {
      for (let position = start; position < start + length; position += 1) yield this.#read(position)
    }
  }

  /** Elements that lie side by side; so do those of the last dimension in every view. */
  *#runs(): Generator<Run> {
    const { shape, strides, length } = this
    if (this.values !== undefined) {
      if (length > 0) yield { start: this.#first, length }
      return
    }
    const row = shape.at(-1) ?? 1
    for (const start of positionsOf(shape.slice(0, -1), strides, this.#first)) yield { start, length: row }
  }

  #read(position: number): ElementOf<T> {
    const value = this.#all[position]
    if (value !== undefined) return value
    throw freedError()
  }
}

function noSuchSlice(ranges: readonly SliceRange[], shape: readonly number[]): UsageError {
  const text = ranges.map((range) => (range === undefined ? 'undefined' : describeList(range))).join(', ')
  return new UsageError(`There is no slice (${text}) in a view of shape ${describeList(shape)}.`)
}

function freedError(): ClosedError {
  return new ClosedError(
    'The memory of this view was freed when its array was closed. Read it before, or copy it with toArray().',
  )
}
