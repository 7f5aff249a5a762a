import type { Communicator } from './communicator.ts'
import { type GroupTasks, isSuperseded } from './group-tasks.ts'
import type { Task } from './task.ts'

/** Body of {@link Batch.run}, and of {@link Batch.map}: what it returns is the task's value there. */
export type TaskBody<T = unknown> = (task: Task, group: Communicator) => T | Promise<T>

/** What {@link runTasks} works with. */
export interface RunTasksOptions<T> {
  readonly work: GroupTasks
  readonly group: Communicator
  readonly body: TaskBody<T>
  /** Takes the value of a task that is about to be DONE; if it throws, the task has failed. */
  readonly take?: (task: Task, value: T) => void
}

/**
 * Runs a function over the tasks of a worker group. Collective over the group.
 *
 * A task is DONE if the function returns, FAILED if it throws, and OPEN if it throws after an interrupt.
 */
export async function runTasks<T>({ work, group, body, take }: RunTasksOptions<T>): Promise<void> {
  for (;;) {
    const task = await work.next({})
    if (task === undefined) return
    let failure: { error: unknown } | undefined
    try {
      const value = await body(task, group)
      if (!task.ended) take?.(task, value)
    } catch (error) {
      failure = { error }
    }
    if (task.ended) continue
    try {
      await conclude(work, task, failure)
    } catch (error) {
      if (!isSuperseded(error)) throw error
    }
  }
}

function conclude(
  work: GroupTasks,
  task: Task,
  failure: { readonly error: unknown } | undefined,
): Promise<void> {
  if (failure === undefined) return task.done()
  return work.isInterrupted ? task.release() : task.fail(failure.error)
}
