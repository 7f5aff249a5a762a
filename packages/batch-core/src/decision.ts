/** Decisions that one rank takes for all: each gets the result, or throws the same error. */
import type { Communicator } from './communicator.ts'
import { decodeError, type EncodedError, encodeError, MpibatchError } from './errors.ts'
import { invariant } from './invariant.ts'

/** What a rank found for everybody, or why it can't be. */
export type Decision<T> = { readonly result: T } | { readonly failure: EncodedError }

/** What `find` returns, or the error of ours that it throws. Others are bugs, which the rank itself throws. */
export function decisionOf<T>(find: () => T): Decision<T> {
  try {
    return { result: find() }
  } catch (error) {
    if (error instanceof MpibatchError) return { failure: encodeError(error) }
    throw error
  }
}

/** The result. @throws What the rank that decided found. */
export function resultOf<T>(decision: Decision<T> | undefined): T {
  invariant(decision !== undefined, 'A rank that decides for all decided nothing')
  if ('failure' in decision) throw decodeError(decision.failure)
  return decision.result
}

/**
 * Lets rank 0 find one result from the values of all members, in rank order. Collective; no member gets it before all
 * have come.
 *
 * @throws On all members what `find` throws, if it is an error of ours.
 */
export async function decideOnRankZero<T, R>(
  communicator: Communicator,
  value: T,
  find: (values: readonly T[]) => R,
): Promise<R> {
  const values = await communicator.gather(value)
  return resultOf(await communicator.broadcast(values && decisionOf(() => find(values))))
}
