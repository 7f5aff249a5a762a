import {
  ConfigError,
  digestOf,
  type PlannedTask,
  type PlannedTasks,
  type TaskValue,
} from '@mpibatch/batch-core'
import { fingerprintCommand, summarizeCommand } from './fingerprint.ts'
import {
  appendValues,
  compileTemplate,
  renderTemplate,
  type TaskFact,
  type Template,
  type TemplateFill,
  textOfValue,
} from './placeholder.ts'
import type { TaskList } from './task-list.ts'
import { TaskNames } from './task-name.ts'

/** The command that every task runs, with placeholders: words without a shell, or a line for `/bin/sh`. */
export type CommandTemplate =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'shell'; readonly line: string }

/** What {@link planCommandTasks} needs. */
export interface CommandPlanOptions {
  readonly list: TaskList
  readonly nameTemplate: string
  readonly command: CommandTemplate
  readonly environment: Readonly<Record<string, string>>
  readonly inTaskDirectory: boolean
}

/** Where a task runs: known only when it starts. */
export interface TaskPlace {
  /** Number of its slot, from 1. */
  readonly slot: number
  /** Which attempt it is, from 1. */
  readonly attempt: number
  /** Its directory. */
  readonly directory: string
}

/** The tasks of a run of commands. */
export interface CommandPlan {
  /** The tasks in order. Their properties are made when they are read; copy a task property by property. */
  readonly tasks: PlannedTasks
  /** The program that all tasks start; `undefined` if a placeholder decides it. */
  readonly program: string | undefined
  /** The words to start for a task, counted from 0; a shell line comes with its shell. */
  renderCommand(taskIndex: number, place: TaskPlace): readonly string[]
}

const SHELL = '/bin/sh'
const FACTS: readonly TaskFact[] = ['number', 'slot', 'name', 'directory', 'attempt']

/** Stands for what is known only when a task starts. NUL keeps it apart from every value. */
const SYMBOLS: Readonly<Record<'slot' | 'attempt' | 'directory', string>> = {
  slot: '\0slot',
  attempt: '\0attempt',
  directory: '\0dir',
}
const SHOWN: typeof SYMBOLS = { slot: '{%}', attempt: '{attempt}', directory: '{dir}' }

/**
 * Plans the tasks of a list: their names, and what each of them runs. A command without placeholders gets the values
 * as its last words.
 *
 * @throws {@link ConfigError} for an unknown placeholder, a field that a task lacks, an empty command, and names that
 *   can't be.
 */
export function planCommandTasks(options: CommandPlanOptions): CommandPlan {
  const { list, nameTemplate } = options
  const command = new CompiledCommand(options.command, list.columns)
  checkNoValueMissing(list, command)
  const source: PlanSource = { ...options, command, names: new TaskNames(list, nameTemplate) }
  return {
    tasks: new CommandTasks(source),
    program: command.program,
    renderCommand: (taskIndex, place) => {
      const facts = { slot: String(place.slot), attempt: String(place.attempt), directory: place.directory }
      const words = command.render(fillOf(source, taskIndex, facts))
      return command.shell ? [SHELL, '-c', ...words] : words
    },
  }
}

/** What all tasks of a plan share. */
interface PlanSource {
  readonly list: TaskList
  readonly nameTemplate: string
  readonly names: TaskNames
  readonly command: CompiledCommand
  readonly environment: Readonly<Record<string, string>>
  readonly inTaskDirectory: boolean
}

/** The tasks of a plan. */
class CommandTasks implements PlannedTasks {
  readonly length: number
  readonly #source: PlanSource
  #digest: string | undefined

  constructor(source: PlanSource) {
    this.length = source.list.taskCount
    this.#source = source
  }

  get digest(): string {
    this.#digest ??= this.#makeDigest()
    return this.#digest
  }

  #makeDigest(): string {
    const { list, nameTemplate, command, environment, inTaskDirectory } = this.#source
    const { columns, names = [], cells } = list
    // With the two fingerprints, that of a program which renders commands in another way is another one.
    const ends = [0, this.length - 1].map((index) => this.at(index)?.fingerprint)
    const parts = ['command', nameTemplate, command.templates, environment, inTaskDirectory, columns, ends]
    return digestOf(parts, [names, ...cells])
  }

  at(index: number): PlannedTask | undefined {
    return index >= 0 && index < this.length ? new CommandTask(this.#source, index) : undefined
  }

  *[Symbol.iterator](): Generator<PlannedTask> {
    for (let index = 0; index < this.length; index += 1) yield new CommandTask(this.#source, index)
  }
}

/** A task that knows its number; the rest is made when asked for, or a million tasks would not fit into memory. */
class CommandTask implements PlannedTask {
  readonly #source: PlanSource
  readonly #index: number

  constructor(source: PlanSource, index: number) {
    this.#source = source
    this.#index = index
  }

  get name(): string {
    return this.#source.names.nameOf(this.#index)
  }

  get values(): Record<string, TaskValue> {
    return this.#source.list.valuesOf(this.#index)
  }

  get fingerprint(): string {
    return fingerprintCommand(this.#content(SYMBOLS))
  }

  get summary(): string {
    return summarizeCommand(this.#content(SHOWN))
  }

  #content(facts: typeof SYMBOLS): Parameters<typeof fingerprintCommand>[0] {
    const { command, environment, inTaskDirectory } = this.#source
    const words = command.render(fillOf(this.#source, this.#index, facts))
    return { words, shell: command.shell, environment, inTaskDirectory }
  }
}

function fillOf({ list, names }: PlanSource, taskIndex: number, facts: typeof SYMBOLS): TemplateFill {
  return {
    value: (columnIndex) => textOfValue(list.cell(taskIndex, columnIndex) ?? null),
    fact: (fact) => {
      if (fact === 'number') return String(taskIndex + 1)
      return fact === 'name' ? names.nameOf(taskIndex) : facts[fact]
    },
  }
}

/** A command's templates, one per word. */
class CompiledCommand {
  readonly shell: boolean
  readonly program: string | undefined
  readonly templates: readonly Template[]
  /** Columns whose values stand behind the words, each as a word of its own. */
  readonly #appended: readonly number[]

  constructor(command: CommandTemplate, columns: readonly string[]) {
    this.shell = command.kind === 'shell'
    const texts = command.kind === 'shell' ? [command.line] : command.words
    if (texts.length === 0 || texts[0]?.trim() === '') throw new ConfigError('The command is empty.')
    const templates = texts.map((text) => compileTemplate(text, { columns, facts: FACTS, shell: this.shell }))
    const append = templates.every((template) => template.parts.every((part) => part.kind === 'text'))
    this.templates =
      append && this.shell ? templates.map((template) => appendValues(template, columns)) : templates
    this.#appended = append && !this.shell ? columns.map((_, index) => index) : []
    this.program = this.shell ? SHELL : constantText(templates[0])
  }

  /** Columns that the command uses. */
  get usedColumns(): ReadonlySet<number> {
    const parts = this.templates.flatMap(({ parts }) => parts)
    return new Set([
      ...this.#appended,
      ...parts.flatMap((part) => (part.kind === 'values' ? part.columns : [])),
    ])
  }

  render(fill: TemplateFill): string[] {
    const words = this.templates.map((template) => renderTemplate(template, fill, { shell: this.shell }))
    for (const column of this.#appended) words.push(fill.value(column))
    return words
  }
}

function constantText(template: Template | undefined): string | undefined {
  if (template === undefined || !template.constant) return undefined
  return template.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
}

function checkNoValueMissing(list: TaskList, command: CompiledCommand): void {
  for (const columnIndex of command.usedColumns) {
    for (let index = 0; index < list.taskCount; index += 1) {
      if (list.cell(index, columnIndex) !== undefined) continue
      const column = list.columns[columnIndex]
      throw new ConfigError(
        `Task ${index + 1} has no field ${JSON.stringify(column)}, but the command uses {${column}}. Give it one.`,
        { details: { index, column } },
      )
    }
  }
}
