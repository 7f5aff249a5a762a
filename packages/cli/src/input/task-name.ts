import { ConfigError, checkTaskNames, type TaskDefinition } from '@mpibatch/batch-core'
import { compileTemplate, renderTemplate, type Template, textOfValue } from './placeholder.ts'
import type { TaskList } from './task-list.ts'

/** Template of task names where `--name` gives none. */
export const DEFAULT_NAME_TEMPLATE = 'task_{#}'

/** Digits of `{#}` in names, so that directories sort as the tasks do. */
const NUMBER_DIGITS = 6

/**
 * Makes the names of a list's tasks: those it has already, or one per task from a template. Values and `{#}`, with at
 * least six digits, can be put in.
 */
export class TaskNames {
  readonly #list: TaskList
  readonly #template: Template

  /** @throws {@link ConfigError} for an unknown placeholder, a name that is no path component, or two names alike. */
  constructor(list: TaskList, template: string) {
    this.#list = list
    this.#template = compileTemplate(template, { columns: list.columns, facts: ['number'] })
    checkTaskNames(this)
  }

  get length(): number {
    return this.#list.taskCount
  }

  /** A task, counted from 0. */
  at(index: number): TaskDefinition {
    return { name: this.nameOf(index) }
  }

  /** Name of a task, counted from 0. */
  nameOf(taskIndex: number): string {
    const known = this.#list.names?.[taskIndex]
    if (known !== undefined) return known
    return renderTemplate(this.#template, {
      value: (columnIndex) => this.#valueOf(taskIndex, columnIndex),
      fact: () => String(taskIndex + 1).padStart(NUMBER_DIGITS, '0'),
    })
  }

  #valueOf(taskIndex: number, columnIndex: number): string {
    const value = this.#list.cell(taskIndex, columnIndex)
    if (value !== undefined) return textOfValue(value)
    const column = this.#list.columns[columnIndex]
    throw new ConfigError(
      `Task ${taskIndex + 1} has no field ${JSON.stringify(column)}, but the name template uses it. Give it one.`,
      { details: { index: taskIndex, column } },
    )
  }
}

/**
 * The tasks of a list as plain data, for a job script.
 *
 * @throws As {@link TaskNames}.
 */
export function defineTasks(list: TaskList, nameTemplate: string): TaskDefinition[] {
  const names = new TaskNames(list, nameTemplate)
  return Array.from({ length: list.taskCount }, (_, index) => ({
    name: names.nameOf(index),
    values: list.valuesOf(index),
  }))
}
