import { PackedTexts, type TaskDefinition, type TaskValue } from '@mpibatch/batch-core'

/** The values of a column by task, `undefined` where one has no such field; long lists of texts are packed. */
export type TaskColumn = readonly (TaskValue | undefined)[] | PackedTexts

/** A list as plain data, for another process. */
export interface TaskListData {
  readonly columns: readonly string[]
  readonly cells: readonly (readonly (TaskValue | undefined)[] | PackedTexts['data'])[]
  readonly atOnceMax: number | undefined
  readonly names: readonly string[] | undefined
}

/** The values of all tasks of a list, held by column: a million tasks as objects would take several times the memory. */
export class TaskList {
  /** Names of the columns, in order; `1`, `2`, … for plain lists. */
  readonly columns: readonly string[]
  readonly taskCount: number
  /** At most so many tasks at once, if the list says so (`--array 0-99%4`). */
  readonly atOnceMax: number | undefined
  /** Names that the tasks have already; `undefined` where they are made from a template. */
  readonly names: readonly string[] | undefined
  readonly #cells: readonly TaskColumn[]

  constructor(
    /** One per column, all of one length. */
    cells: ReadonlyMap<string, TaskColumn>,
    options: {
      readonly atOnceMax?: number | undefined
      readonly names?: readonly string[] | undefined
    } = {},
  ) {
    this.columns = [...cells.keys()]
    this.#cells = [...cells.values()]
    this.names = options.names
    this.taskCount = options.names?.length ?? this.#cells[0]?.length ?? 0
    this.atOnceMax = options.atOnceMax
  }

  /** Makes the list of {@link TaskList.data} again. */
  static from({ columns, cells, atOnceMax, names }: TaskListData): TaskList {
    const columnOf = (index: number): TaskColumn => {
      const values = cells[index] ?? []
      return 'bytes' in values ? PackedTexts.from(values) : values
    }
    return new TaskList(new Map(columns.map((column, index) => [column, columnOf(index)])), {
      atOnceMax,
      names,
    })
  }

  /** The list as plain data. */
  get data(): TaskListData {
    const { columns, atOnceMax, names } = this
    const cells = this.#cells.map((values) => (values instanceof PackedTexts ? values.data : values))
    return { columns, cells, atOnceMax, names }
  }

  /** The values by column; `undefined` where a task has no such field. */
  get cells(): readonly TaskColumn[] {
    return this.#cells
  }

  /** A task's value in a column; `undefined` if it has none. Both counted from 0. */
  cell(taskIndex: number, columnIndex: number): TaskValue | undefined {
    return this.#cells[columnIndex]?.at(taskIndex)
  }

  /** A task's values by the names of their columns. */
  valuesOf(taskIndex: number): Record<string, TaskValue> {
    const entries: [string, TaskValue][] = []
    this.columns.forEach((column, columnIndex) => {
      const value = this.cell(taskIndex, columnIndex)
      if (value !== undefined) entries.push([column, value])
    })
    return Object.fromEntries(entries)
  }
}

/**
 * The list of tasks that a task root holds already. A task without values, such as one that pshmem made, has its name
 * for its value.
 */
export function taskListOf(tasks: Iterable<TaskDefinition> & { readonly length: number }): TaskList {
  const cells = new Map<string, (TaskValue | undefined)[]>()
  const column = (name: string): (TaskValue | undefined)[] => {
    const known = cells.get(name)
    if (known !== undefined) return known
    const added = new Array<TaskValue | undefined>(tasks.length).fill(undefined)
    cells.set(name, added)
    return added
  }
  const names: string[] = []
  for (const task of tasks) {
    for (const [name, value] of Object.entries(task.values ?? { 1: task.name }))
      column(name)[names.length] = value
    names.push(task.name)
  }
  return new TaskList(cells, { names })
}
