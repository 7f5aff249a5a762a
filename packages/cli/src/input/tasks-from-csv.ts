import type { TaskDefinition } from '@mpibatch/batch-core'
import { DEFAULT_NAME_TEMPLATE, defineTasks } from './task-name.ts'
import { readTaskList } from './task-source.ts'

/**
 * Reads tasks from a CSV file whose first line names the columns, as `mpibatch run --csv` does. Not collective: every
 * rank reads the file.
 *
 * @param file - Path of the table.
 * @param options - `name`: template of the task names, with columns in braces such as `beta_{beta}`; by default
 *   `task_{#}`.
 * @throws {@link ConfigError} naming file and line, if the table is not well formed or has no rows; naming the task, if
 *   a name is no path component or two are alike.
 */
export function tasksFromCsv(file: string, options: { readonly name?: string } = {}): TaskDefinition[] {
  return defineTasks(
    readTaskList({ kind: 'table', file, format: 'csv' }),
    options.name ?? DEFAULT_NAME_TEMPLATE,
  )
}
