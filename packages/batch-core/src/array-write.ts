/** What `set` and `assign` write, and how the ranks agree on it. */
import { type RegionOptions, shapeGiven, typeNameGiven } from './array-options.ts'
import { checkRegion, countElements, describeList, type Region } from './array-shape.ts'
import { ArrayView } from './array-view.ts'
import { type Decision, resultOf } from './decision.ts'
import { ConfigMismatchError, UsageError } from './errors.ts'
import { checkRank } from './rank-checks.ts'
import type { TypedArray } from './typed-arrays.ts'

/** What one rank brings to a `set` or an `assign`. */
export interface WriteOffer {
  /** The rank whose values count; absent in `assign`, which looks for it. */
  readonly from?: number
  /** Where this rank's values go; absent if it has none that could count. */
  readonly region?: Decision<Region>
  /** Number of this rank's node. */
  readonly nodeIndex: number
}

/** What is written, and by whom. */
export interface AgreedWrite {
  readonly from: number
  readonly region: Region
  /** Number of that rank's node. */
  readonly nodeIndex: number
}

/** What one rank writes, and where. */
export interface PlannedWrite {
  readonly region: Region
  /** In the order of the region's elements. */
  readonly values: TypedArray
}

/**
 * Finds where values go.
 *
 * @throws {@link UsageError} if they don't fit.
 * @throws {@link ClosedError} if they are a view of memory that was freed.
 */
export function planWrite(
  array: { readonly typeName: string; readonly shape: readonly number[]; readonly length: number },
  values: TypedArray | ArrayView<TypedArray> | undefined,
  options: RegionOptions,
): PlannedWrite {
  if (array.length === 0) {
    throw new UsageError(
      `An array of shape ${describeList(array.shape)} has no elements, so nothing can be set there.`,
    )
  }
  const typeName = typeNameGiven(values)
  if (typeName !== array.typeName) {
    throw new UsageError(
      `The values are a ${typeName}, but the array holds a ${array.typeName}. Convert them: ${array.typeName}.from(values).`,
    )
  }
  const given = options.shape ?? defaultShape(array, values, options)
  const region = { offset: options.offset ?? array.shape.map(() => 0), shape: given }
  checkRegion(array.shape, region)
  const count = countElements(region.shape)
  if (values === undefined || values.length !== count) {
    throw new UsageError(
      `There are ${values?.length} values, but a part of shape ${describeList(region.shape)} has ${count} elements.`,
    )
  }
  return {
    region: { offset: [...region.offset], shape: [...region.shape] },
    values: values instanceof ArrayView ? (values.values ?? values.toArray()) : values,
  }
}

/** What all ranks together write. @throws If they don't agree, or nobody or too many have values, or these don't fit. */
export function agreedWrite(offers: readonly WriteOffer[]): AgreedWrite {
  const [first] = offers
  const other = offers.findIndex(({ from }) => from !== first?.from)
  if (other !== -1) {
    throw new ConfigMismatchError(
      `Rank 0 calls ${describeCall(first?.from)}, but rank ${other} calls ${describeCall(offers[other]?.from)}. All ranks have to make the same call.`,
    )
  }
  const from = first?.from === undefined ? findGiver(offers) : checkRank('"from"', first.from, offers.length)
  const offer = offers[from]
  return { from, region: resultOf(offer?.region), nodeIndex: offer?.nodeIndex ?? 0 }
}

function findGiver(offers: readonly WriteOffer[]): number {
  const givers = offers.flatMap(({ region }, rank) => (region === undefined ? [] : [rank]))
  const [giver] = givers
  if (givers.length === 1 && giver !== undefined) return giver
  const who = givers.length === 0 ? 'no rank has' : `the ranks ${givers.join(', ')} have`
  throw new UsageError(
    `assign takes values from exactly one rank, but ${who} some. Give undefined on all others.`,
    { details: { ranks: givers } },
  )
}

function defaultShape(
  array: { readonly shape: readonly number[]; readonly length: number },
  values: TypedArray | ArrayView<TypedArray> | undefined,
  { offset }: RegionOptions,
): readonly number[] {
  if (values instanceof ArrayView) return values.shape
  if (offset === undefined && values?.length === array.length) return array.shape
  if (array.shape.length === 1) return shapeGiven(values)
  throw new UsageError(
    `Say which part of an array of shape ${describeList(array.shape)} these ${values?.length} values are: { offset, shape }.`,
  )
}

function describeCall(from: number | undefined): string {
  return from === undefined ? 'assign' : `set with values from rank ${from}`
}
