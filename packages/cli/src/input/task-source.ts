import { ConfigError, PackedTexts } from '@mpibatch/batch-core'
import type { ListArgument } from './arguments.ts'
import { parseArraySpec, TASK_COUNT_MAX } from './array-spec.ts'
import { readJsonTasks } from './json-tasks.ts'
import { combineLists } from './list-arguments.ts'
import { readTable } from './table-file.ts'
import { TaskList } from './task-list.ts'
import { nameOfFile, readLines, readText } from './text-file.ts'

/** Where the tasks come from, as the command line says. */
export type TaskSource =
  | { readonly kind: 'lines'; readonly file: string }
  | { readonly kind: 'array'; readonly spec: string }
  | { readonly kind: 'lists'; readonly lists: readonly ListArgument[] }
  | { readonly kind: 'table'; readonly file: string; readonly format: 'csv' | 'tsv' }
  | { readonly kind: 'json'; readonly file: string }

/** The options that name a source; each takes one text. */
export interface SourceOptions {
  readonly argFile?: string
  readonly array?: string
  readonly csv?: string
  readonly tsv?: string
  readonly fromJson?: string
}

/**
 * The one source that the command line names.
 *
 * @returns `undefined` if it names none.
 * @throws {@link ConfigError} if it names two.
 */
export function chooseTaskSource(
  options: SourceOptions,
  lists: readonly ListArgument[],
): TaskSource | undefined {
  const { argFile, array, csv, tsv, fromJson } = options
  const given: { readonly name: string; readonly source: TaskSource }[] = []
  if (argFile !== undefined) given.push({ name: '-a', source: { kind: 'lines', file: argFile } })
  if (array !== undefined) given.push({ name: '--array', source: { kind: 'array', spec: array } })
  if (csv !== undefined) given.push({ name: '--csv', source: { kind: 'table', file: csv, format: 'csv' } })
  if (tsv !== undefined) given.push({ name: '--tsv', source: { kind: 'table', file: tsv, format: 'tsv' } })
  if (fromJson !== undefined) given.push({ name: '--from-json', source: { kind: 'json', file: fromJson } })
  const [first] = lists
  if (first !== undefined) {
    given.push({ name: first.kind === 'files' ? '::::' : ':::', source: { kind: 'lists', lists } })
  }
  if (given.length > 1) {
    const names = given.map(({ name }) => name)
    throw new ConfigError(
      `The tasks come from ${names.join(' and ')} at once, but a run has one source. Leave all but one out.`,
    )
  }
  return given[0]?.source
}

/** Whether standard input is where the tasks come from. */
export function readsStandardInput(source: TaskSource): boolean {
  if (source.kind === 'lists') {
    return source.lists.some(({ kind, words }) => kind === 'files' && words.includes('-'))
  }
  return source.kind !== 'array' && source.file === '-'
}

/**
 * Reads the tasks from their source. Blocks until the source has ended, standard input too.
 *
 * @throws {@link ConfigError} naming file and line for whatever the list must not be; for an empty list as well.
 */
export function readTaskList(source: TaskSource): TaskList {
  const list = readSource(source)
  if (list.taskCount === 0) throw new ConfigError(`The list of tasks is empty: ${describe(source)}.`)
  if (list.taskCount > TASK_COUNT_MAX) {
    throw new ConfigError(`${describe(source)} has more than 10,000,000 tasks. Split it into several roots.`)
  }
  return list
}

function readSource(source: TaskSource): TaskList {
  switch (source.kind) {
    case 'lines':
      return new TaskList(new Map([['1', packed(valueLines(source.file))]]))
    case 'array': {
      const { values, atOnceMax } = parseArraySpec(source.spec)
      return new TaskList(new Map([['1', values]]), { atOnceMax })
    }
    case 'lists':
      return combineLists(source.lists, (file) => [...valueLines(file)])
    case 'table':
      return readTable(readText(source.file), source)
    case 'json':
      return readJsonTasks(source.file)
  }
}

/** The lines of a plain list that are not empty. Blanks in a line belong to the value. */
function* valueLines(file: string): Generator<string> {
  for (const { text } of readLines(file)) if (text !== '') yield text
}

function packed(values: Iterable<string>): PackedTexts {
  const texts = new PackedTexts()
  for (const value of values) texts.add(value)
  return texts
}

function describe(source: TaskSource): string {
  switch (source.kind) {
    case 'array':
      return `--array ${source.spec}`
    case 'lists':
      return 'a list behind the command has no values'
    default:
      return `${nameOfFile(source.file)} holds none`
  }
}
