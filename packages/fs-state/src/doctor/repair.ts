import { openAdministrator } from '../administrator.ts'
import type { RepairReport } from './tree-step.ts'

/**
 * Opens the tasks of dead owners again and completes their results, by appending events as every instance does. Never
 * where the file system was found to be unsafe.
 */
export async function repairTasks(
  root: string,
  tasks: readonly string[],
  { isUnsafe }: { readonly isUnsafe: boolean },
): Promise<RepairReport> {
  const repaired: string[] = []
  const left: { task: string; reason: string }[] = []
  if (tasks.length === 0) return { repaired, left }
  if (isUnsafe)
    return {
      repaired,
      left: tasks.map((task) => ({ task, reason: 'nothing is changed where writing is not safe' })),
    }
  let administrator: Awaited<ReturnType<typeof openAdministrator>>
  try {
    administrator = await openAdministrator(root, { command: 'mpibatch doctor --repair' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { repaired, left: tasks.map((task) => ({ task, reason })) }
  }
  try {
    for (const task of tasks) {
      const { changed, reason } = await administrator.reopen(task, { from: 'dead' })
      if (changed) repaired.push(task)
      else left.push({ task, reason: reason ?? 'it has changed meanwhile' })
    }
  } finally {
    await administrator.close()
  }
  return { repaired, left }
}
