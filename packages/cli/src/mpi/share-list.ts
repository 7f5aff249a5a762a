import { type Communicator, decodeError, type EncodedError, encodeError } from '@mpibatch/batch-core'
import { TaskList, type TaskListData } from '../input/task-list.ts'

/**
 * Reads a list of tasks on rank 0 alone, which may come from its standard input, and gives it to all ranks. Collective.
 *
 * @throws What `read` throws, on every rank.
 */
export async function shareList(communicator: Communicator, read: () => TaskList): Promise<TaskList> {
  const outcome = communicator.rank === 0 ? attempt(read) : undefined
  const told = outcome === undefined || 'failure' in outcome ? outcome : { data: outcome.list.data }
  const shared = await communicator.broadcast<Shared | undefined>(told)
  if (outcome !== undefined && 'list' in outcome) return outcome.list
  if (shared === undefined) throw new Error('Rank 0 gave the others no list of tasks')
  if ('failure' in shared) throw decodeError(shared.failure)
  return TaskList.from(shared.data)
}

type Shared = { readonly data: TaskListData } | { readonly failure: EncodedError }

function attempt(read: () => TaskList): { readonly list: TaskList } | { readonly failure: EncodedError } {
  try {
    return { list: read() }
  } catch (error) {
    return { failure: encodeError(error) }
  }
}
