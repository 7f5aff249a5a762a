/** What a person gives to make a SharedArray, and how the ranks agree on it. */
import { checkShape, describeList } from './array-shape.ts'
import { ArrayView } from './array-view.ts'
import type { Communicator } from './communicator.ts'
import { type Decision, decisionOf, resultOf } from './decision.ts'
import { ConfigError, ConfigMismatchError, UsageError } from './errors.ts'
import { checkRank } from './rank-checks.ts'
import {
  type ElementOf,
  TYPE_NAMES,
  type TypedArray,
  type TypedArrayType,
  typeNameOf,
  typeNameOfValues,
} from './typed-arrays.ts'

/** What all ways to make a {@link SharedArray} take. Equal on all ranks. */
export interface SharedArrayOptions {
  /** The ranks that share the array; `null` for this rank alone. */
  readonly communicator: Communicator | null
  /**
   * The ranks that share this rank's copy. They divide the communicator: each of its ranks is in one of them, and
   * nobody else. It stays the caller's to close, and may be used for other things meanwhile. Making an array is a
   * collective call on it too: wait for one array before the next is made over it.
   *
   * @defaultValue those on this rank's node, as {@link Communicator.splitByNode} finds them
   */
  readonly nodeCommunicator?: Communicator
  /**
   * Who writes. `set`: only `set` and `assign`, which keep the copies of all nodes equal. `direct`: every rank writes
   * into {@link SharedArray.values} itself, and the ranks see to it that nobody reads too early (`barrier`); only where
   * all ranks are on one node.
   *
   * @defaultValue 'set'
   */
  readonly access?: 'set' | 'direct'
}

/** Options of {@link SharedArray.empty} and {@link SharedArray.full}. */
export interface EmptyArrayOptions<T extends TypedArray> extends SharedArrayOptions {
  /** Class of its values, such as `Float64Array`; any of JavaScript's typed arrays. */
  readonly type: TypedArrayType<T>
  /** Number of elements, one per dimension; each 0 or more. The last index runs fastest. */
  readonly shape: readonly number[]
}

/** Options of {@link SharedArray.copy}. */
export interface CopyArrayOptions extends SharedArrayOptions {
  /** The rank whose values count. @defaultValue 0 */
  readonly from?: number
  /** Counts on that rank. @defaultValue one dimension; of a view, its own */
  readonly shape?: readonly number[]
}

/** Which part of an array is written. Counts on the rank that has the values. */
export interface RegionOptions {
  /** Index of the part's first element, one number per dimension. @defaultValue the array's first element */
  readonly offset?: readonly number[]
  /**
   * Number of elements, one per dimension.
   *
   * @defaultValue of a view, its own; of a typed array, the whole array's if it is as long, else, in an array of one
   *   dimension, its length
   */
  readonly shape?: readonly number[]
}

/** Options of {@link SharedArray.set}. */
export interface SetOptions extends RegionOptions {
  /** The rank whose values count, equal on all ranks. @defaultValue 0 */
  readonly from?: number
}

/** What an array is made of, as plain data. */
export interface ArrayContents {
  readonly typeName: string
  readonly shape: readonly number[]
  /** @defaultValue 0 */
  readonly fill?: number | bigint
}

/** What one rank asks for. */
export interface ArrayRequest {
  /** The same on all ranks, or they don't agree. */
  readonly text: string
  /** The rank whose contents count; 0 where they are equal on all. */
  readonly from: number
  /** Absent where it is not this rank's to say. */
  readonly contents?: Decision<ArrayContents>
}

/** What this rank asks for with `empty`, or with `full` where there is something to fill in. */
export function requestOf<T extends TypedArray>(
  options: EmptyArrayOptions<T>,
  fill?: ElementOf<T>,
): ArrayRequest {
  const { type, shape, access = 'set' } = options
  const typeName = typeNameOf(type)
  const filled = fill === undefined ? '' : `, filled with ${String(fill)}`
  return {
    text: `a ${typeName ?? String(type)} of shape ${describeList(shape)}${filled}, access ${String(access)}`,
    from: 0,
    contents: decisionOf(() => {
      if (typeName === undefined) {
        throw new ConfigError(`The type is none of ${TYPE_NAMES.join(', ')}. Give one of these classes.`)
      }
      checkAccess(access)
      const contents = { typeName, shape: checkShape(shape) }
      return fill === undefined ? contents : { ...contents, fill: checkFill(typeName, fill) }
    }),
  }
}

/** What this rank asks for with `copy`. */
export function copyRequestOf(
  values: TypedArray | ArrayView<TypedArray> | undefined,
  options: CopyArrayOptions,
  rank: number,
): ArrayRequest {
  const { from = 0, access = 'set' } = options
  const text = `a copy of the values of rank ${from}, access ${String(access)}`
  if (rank !== from) return { text, from }
  return {
    text,
    from,
    contents: decisionOf(() => {
      const typeName = typeNameGiven(values)
      checkAccess(access)
      // The number of values is checked when they are set.
      return { typeName, shape: checkShape(options.shape ?? shapeGiven(values)) }
    }),
  }
}

/** What all ranks asked for. @throws If they did not, or it can't be. */
export function agreedContents(requests: readonly ArrayRequest[]): ArrayContents {
  const [first] = requests
  const other = requests.findIndex(({ text }) => text !== first?.text)
  if (other !== -1) {
    throw new ConfigMismatchError(
      `Rank 0 makes ${first?.text}, but rank ${other} makes ${requests[other]?.text}. Give the same on all ranks.`,
    )
  }
  const from = checkRank('"from"', first?.from, requests.length)
  return resultOf(requests[from]?.contents)
}

/** The type of what a rank gives. @throws {@link UsageError} if it is neither a typed array nor a view. */
export function typeNameGiven(values: TypedArray | ArrayView<TypedArray> | undefined): string {
  const name = values instanceof ArrayView ? values.typeName : typeNameOfValues(values)
  if (name !== undefined) return name
  throw new UsageError(
    `The values are ${values === undefined ? 'undefined' : `no typed array (${typeof values})`}. Give one of ${TYPE_NAMES.join(', ')}, or an ArrayView.`,
  )
}

/** The shape of what a rank gives. */
export function shapeGiven(values: TypedArray | ArrayView<TypedArray> | undefined): readonly number[] {
  return values instanceof ArrayView ? values.shape : [values?.length ?? 0]
}

function checkAccess(access: string): void {
  if (access !== 'set' && access !== 'direct') {
    throw new ConfigError(`The access is ${String(access)}, but has to be 'set' or 'direct'.`)
  }
}

function checkFill(typeName: string, fill: number | bigint): number | bigint {
  const wanted = typeName.startsWith('Big') ? 'bigint' : 'number'
  if (typeof fill === wanted) return fill
  throw new ConfigError(
    `The value to fill with is ${String(fill)}, but a ${typeName} holds values of type ${wanted}.`,
  )
}
