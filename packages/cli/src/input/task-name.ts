import { ConfigError, checkTaskNames, type TaskDefinition, taskNameFault } from '@mpibatch/batch-core'
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
  /** What stands around the number, in names that have nothing else of their own: the usual ones. */
  readonly #numbered: { readonly before: string; readonly after: string } | undefined

  /** @throws {@link ConfigError} for an unknown placeholder, a name that is no path component, or two names alike. */
  constructor(list: TaskList, template: string) {
    this.#list = list
    this.#template = compileTemplate(template, { columns: list.columns, facts: ['number'] })
    this.#numbered = list.names === undefined ? aroundNumber(this.#template) : undefined
    this.#check()
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
    if (this.#numbered !== undefined) {
      const { before, after } = this.#numbered
      return `${before}${numberText(taskIndex)}${after}`
    }
    const known = this.#list.names?.[taskIndex]
    if (known !== undefined) return known
    return renderTemplate(this.#template, {
      value: (columnIndex) => this.#valueOf(taskIndex, columnIndex),
      fact: () => numberText(taskIndex),
    })
  }

  /** Names that have the number in one text differ by themselves, and the last is the longest. */
  #check(): void {
    const last = this.length - 1
    const isSafe =
      this.#numbered !== undefined &&
      [0, last].every((index) => taskNameFault(this.nameOf(index)) === undefined)
    if (!isSafe) checkTaskNames(this)
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

function numberText(taskIndex: number): string {
  return String(taskIndex + 1).padStart(NUMBER_DIGITS, '0')
}

function aroundNumber({ parts }: Template): { before: string; after: string } | undefined {
  const at = parts.findIndex(({ kind }) => kind === 'fact')
  const others = [...parts.slice(0, Math.max(at, 0)), ...parts.slice(at + 1)]
  if (at < 0 || others.some(({ kind }) => kind !== 'text')) return undefined
  const textOf = (some: Template['parts']): string =>
    some.map((part) => (part.kind === 'text' ? part.text : '')).join('')
  return { before: textOf(parts.slice(0, at)), after: textOf(parts.slice(at + 1)) }
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
