import type { Communicator } from '@mpibatch/batch-core'
import { TaskList } from '../input/task-list.ts'
import { shareFound } from './share-found.ts'

/**
 * Reads a list of tasks on rank 0 alone, which may come from its standard input, and gives it to all ranks. Collective.
 *
 * @throws What `read` throws, on every rank.
 */
export async function shareList(communicator: Communicator, read: () => TaskList): Promise<TaskList> {
  let own: TaskList | undefined
  const data = await shareFound(communicator, () => {
    own = read()
    return own.data
  })
  return own ?? TaskList.from(data)
}
