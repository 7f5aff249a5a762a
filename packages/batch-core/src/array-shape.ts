/** Shapes of arrays, and boxes in them; elements lie in rows, the last index running fastest (as in C). Pure. */
import { constants } from 'node:buffer'
import { ConfigError, UsageError } from './errors.ts'

/** A box in an array. */
export interface Region {
  /** Index of its first element, one number per dimension. */
  readonly offset: readonly number[]
  /** Number of elements, one per dimension. */
  readonly shape: readonly number[]
}

/** Elements that lie side by side. */
export interface Run {
  /** Index of the first. */
  readonly start: number
  readonly length: number
}

/**
 * Checks the shape of an array that is to be made.
 *
 * @throws {@link ConfigError} if it is none, or too large for a typed array of this Node.
 */
export function checkShape(shape: unknown): readonly number[] {
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new ConfigError(
      `The shape is ${describeList(shape)}, but has to be an array of integers of 0 or more, one per dimension.`,
    )
  }
  const count = countElements(shape)
  if (count > constants.MAX_LENGTH) {
    throw new ConfigError(
      `An array of shape ${describeList(shape)} has ${count} elements, but a typed array of this Node has ${constants.MAX_LENGTH} at most. Make several arrays, or use a later Node.`,
    )
  }
  return Object.freeze([...shape])
}

/** Number of elements; 1 without dimensions. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((count, extent) => count * extent, 1)
}

/** For each dimension the number of elements from one index to the next. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides: number[] = []
  let stride = 1
  for (const extent of shape.toReversed()) {
    strides.unshift(stride)
    stride *= extent
  }
  return Object.freeze(strides)
}

/** @throws {@link UsageError} if the region does not lie in an array of that shape. */
export function checkRegion(shape: readonly number[], region: Region): void {
  for (const [name, list] of Object.entries({ offset: region.offset, shape: region.shape })) {
    if (Array.isArray(list) && list.length === shape.length && list.every(isCount)) continue
    throw new UsageError(
      `The ${name} is ${describeList(list)}, but has to be ${shape.length} integers of 0 or more, one per dimension of an array of shape ${describeList(shape)}.`,
    )
  }
  const isInside = shape.every((extent, index) => {
    const [first = 0, count = 0] = [region.offset[index], region.shape[index]]
    return first + count <= extent
  })
  if (isInside) return
  throw new UsageError(
    `A part of shape ${describeList(region.shape)} at offset ${describeList(region.offset)} does not lie within an array of shape ${describeList(shape)}.`,
  )
}

/** The runs that a region is made of, in order; a run longer than `lengthMax` comes in several. */
export function* runsOf(
  shape: readonly number[],
  region: Region,
  lengthMax: number = Number.POSITIVE_INFINITY,
): Generator<Run> {
  if (countElements(region.shape) === 0) return
  const strides = stridesOf(shape)
  // Dimensions from this one on lie side by side in one run.
  let inner = shape.length
  let length = 1
  while (inner > 0) {
    inner -= 1
    const [extent = 0, whole = 0] = [region.shape[inner], shape[inner]]
    length *= extent
    if (extent !== whole) break
  }
  const outer = region.shape.slice(0, inner)
  const first = region.offset.reduce((sum, index, dimension) => sum + index * (strides[dimension] ?? 0), 0)
  for (const position of positionsOf(outer, strides, first)) {
    for (let done = 0; done < length; done += lengthMax) {
      yield { start: position + done, length: Math.min(lengthMax, length - done) }
    }
  }
}

/** The positions of all elements of a shape, in order. */
export function* positionsOf(
  shape: readonly number[],
  strides: readonly number[],
  first: number,
): Generator<number> {
  if (countElements(shape) === 0) return
  const indices = shape.map(() => 0)
  let position = first
  for (;;) {
    yield position
    let dimension = shape.length - 1
    while (dimension >= 0) {
      const stride = strides[dimension] ?? 0
      const next = (indices[dimension] ?? 0) + 1
      if (next < (shape[dimension] ?? 0)) {
        indices[dimension] = next
        position += stride
        break
      }
      indices[dimension] = 0
      position -= (next - 1) * stride
      dimension -= 1
    }
    if (dimension < 0) return
  }
}

/** A list as a person writes it; whatever else it is, as JavaScript shows it. */
export function describeList(list: unknown): string {
  return Array.isArray(list) || ArrayBuffer.isView(list)
    ? `[${[...(list as unknown as Iterable<unknown>)].join(', ')}]`
    : String(list)
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
