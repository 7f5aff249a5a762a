import { type Communicator, decodeError, type EncodedError, encodeError } from '@mpibatch/batch-core'

type Found<T> = { readonly value: T } | { readonly failure: EncodedError }

/**
 * Finds something on rank 0 alone, and gives it to all ranks. Collective.
 *
 * @param find - What it gives can be sent.
 * @throws What `find` throws, on every rank.
 */
export async function shareFound<T>(communicator: Communicator, find: () => T | Promise<T>): Promise<T> {
  const found = communicator.rank === 0 ? await attempt(find) : undefined
  const shared = await communicator.broadcast(found)
  if (shared === undefined) throw new Error('Rank 0 gave the others nothing')
  if ('failure' in shared) throw decodeError(shared.failure)
  return shared.value
}

async function attempt<T>(find: () => T | Promise<T>): Promise<Found<T>> {
  try {
    return { value: await find() }
  } catch (error) {
    return { failure: encodeError(error) }
  }
}
