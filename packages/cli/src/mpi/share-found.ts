import { type Communicator, decodeError, type EncodedError, encodeError } from '@mpibatch/batch-core'

/**
 * Finds something on rank 0 alone, and gives it to all ranks. Collective.
 *
 * @param find - What it resolves to can be sent.
 * @throws What `find` throws, on every rank.
 */
export async function shareFound<T>(communicator: Communicator, find: () => Promise<T>): Promise<T> {
  const found = communicator.rank === 0 ? await attempt(find) : undefined
  const shared = await communicator.broadcast(found)
  if (shared === undefined) throw new Error('Rank 0 gave the others nothing')
  if ('failure' in shared) throw decodeError(shared.failure)
  return shared.value
}

async function attempt<T>(
  find: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly failure: EncodedError }> {
  try {
    return { value: await find() }
  } catch (error) {
    return { failure: encodeError(error) }
  }
}
