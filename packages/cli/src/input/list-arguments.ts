import { ConfigError } from '@mpibatch/batch-core'
import type { ListArgument } from './arguments.ts'
import { TASK_COUNT_MAX } from './array-spec.ts'
import { TaskList } from './task-list.ts'

/** Lists whose values go together, row by row. */
interface PairedColumns {
  readonly columns: (readonly string[])[]
  readonly rowCount: number
}

/**
 * Combines the lists behind a command: every value of one with every value of the others, the last list changing
 * fastest; lists marked as paired go row by row with the list before them.
 *
 * @param readValues - Reads the values of a file that `::::` names.
 * @throws {@link ConfigError} for an empty list, paired lists of different length, or more than 10,000,000 tasks.
 */
export function combineLists(
  lists: readonly ListArgument[],
  readValues: (file: string) => readonly string[],
): TaskList {
  const groups: PairedColumns[] = []
  let number = 0
  for (const list of lists) {
    const columns = list.kind === 'files' ? list.words.map(readValues) : [list.words]
    if (columns.length === 0) throw new ConfigError(`${separatorOf(list)} has no file behind it.`)
    for (const values of columns) {
      number += 1
      if (values.length === 0) throw new ConfigError(`List ${number} behind the command is empty.`)
      if (list.kind === 'values') checkEncoding(values)
      if (list.paired) pair(groups, values, number)
      else groups.push({ columns: [values], rowCount: values.length })
    }
  }
  checkSize(groups)
  return new TaskList(new Map(productOf(groups).map((column, index) => [String(index + 1), column])))
}

/** Node has put U+FFFD in place of bytes that are not UTF-8; the command would run on another name than was meant. */
function checkEncoding(values: readonly string[]): void {
  const value = values.find((text) => text.includes('\ufffd'))
  if (value === undefined) return
  throw new ConfigError(
    `The value ${JSON.stringify(value)} behind ::: is not UTF-8. Rename the file, or convert the text, so that it is.`,
  )
}

function separatorOf({ kind, paired }: ListArgument): string {
  return (kind === 'files' ? '::::' : ':::') + (paired ? '+' : '')
}

function pair(groups: readonly PairedColumns[], values: readonly string[], number: number): void {
  const group = groups.at(-1)
  if (group === undefined) {
    throw new ConfigError(
      'The first list begins with a + (paired), but there is no list before it to pair it with.',
    )
  }
  if (group.rowCount !== values.length) {
    throw new ConfigError(
      `List ${number} has ${values.length} values, but the list it is paired with has ${group.rowCount}. ` +
        'Paired lists need equally many.',
    )
  }
  group.columns.push(values)
}

function checkSize(groups: readonly PairedColumns[]): void {
  const count = groups.reduce((product, { rowCount }) => product * rowCount, 1)
  if (count > TASK_COUNT_MAX) {
    throw new ConfigError(
      `All combinations of the lists are ${count} tasks, more than 10,000,000. Take fewer values.`,
    )
  }
}

function productOf(groups: readonly PairedColumns[]): string[][] {
  const count = groups.reduce((product, { rowCount }) => product * rowCount, 1)
  let repeat = count
  return groups.flatMap(({ columns, rowCount }) => {
    repeat /= rowCount
    const each = repeat
    return columns.map((values) =>
      Array.from({ length: count }, (_, row) => values[Math.floor(row / each) % rowCount] ?? ''),
    )
  })
}
