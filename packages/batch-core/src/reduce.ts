import type { ReduceOperation, Reducible } from './communicator.ts'
import { ConfigMismatchError, UsageError } from './errors.ts'
import { invariant } from './invariant.ts'

type Combine = (left: number, right: number) => number

const COMBINE: Readonly<Record<ReduceOperation, Combine>> = {
  sum: (left, right) => left + right,
  product: (left, right) => left * right,
  min: Math.min,
  max: Math.max,
}

/** One rank's part of an allreduce. */
export interface ReduceInput {
  readonly value: Reducible
  readonly operation: ReduceOperation
}

/**
 * Checks one rank's part before it leaves the rank.
 *
 * @throws {@link UsageError} if it is not something that can be combined.
 */
export function checkReduceInput({ value, operation }: ReduceInput): void {
  if (!Object.hasOwn(COMBINE, operation)) {
    throw new UsageError(
      `allreduce doesn't know the operation ${JSON.stringify(operation)}. Take one of ${Object.keys(COMBINE).join(', ')}.`,
    )
  }
  const isArray = Array.isArray(value) && value.every((element) => typeof element === 'number')
  if (typeof value === 'number' || isArray || value instanceof Float64Array || value instanceof Int32Array)
    return
  throw new UsageError(
    'allreduce combines a number, an array of numbers, a Float64Array or an Int32Array, nothing else.',
  )
}

/**
 * Combines the parts of all ranks, element by element, from the first rank to the last (pure).
 *
 * @returns A value of the kind that went in. Int32Arrays wrap around.
 * @throws {@link ConfigMismatchError} if the parts differ in kind, length or operation.
 */
export function combine(inputs: readonly ReduceInput[]): Reducible {
  const [first, ...rest] = inputs
  invariant(first !== undefined, 'An allreduce has no members')
  const expected = describe(first)
  rest.forEach((input, index) => {
    const found = describe(input)
    if (found === expected) return
    throw new ConfigMismatchError(
      `allreduce got ${expected} from rank 0 but ${found} from rank ${index + 1}. Give the same kind, length and operation on all ranks.`,
    )
  })
  const { value, operation } = first
  if (typeof value === 'number')
    return rest.reduce((sum, input) => COMBINE[operation](sum, Number(input.value)), value)
  const result = value.slice()
  // An Int32 product can be longer than a double holds exactly, so it is wrapped by multiplying as Int32.
  const step = operation === 'product' && value instanceof Int32Array ? Math.imul : COMBINE[operation]
  for (const input of rest) {
    const right = input.value as ArrayLike<number>
    for (let index = 0; index < result.length; index += 1) {
      ;(result as number[])[index] = step(result[index] ?? 0, right[index] ?? 0)
    }
  }
  return result
}

function describe({ value, operation }: ReduceInput): string {
  if (typeof value === 'number') return `one number to '${operation}'`
  const kind = Array.isArray(value) ? 'Array' : value.constructor.name
  return `${kind} of ${value.length} to '${operation}'`
}
