import { createRequire } from 'node:module'
import { ConfigError } from '@mpibatch/batch-core'
import type { CsvError, Options } from 'csv-parse'
import { TaskList } from './task-list.ts'
import { LINE_SIZE_MAX, nameOfFile } from './text-file.ts'

/** Which file a table was read from, and how its columns are parted. */
export interface TableFile {
  readonly file: string
  /** In `csv`, fields may stand in double quotes, with commas and line ends in them; in `tsv`, quotes are plain text. */
  readonly format: 'csv' | 'tsv'
}

/**
 * Reads a table whose first line names the columns. Blanks around the names are dropped; those around values are not.
 * Empty lines are skipped.
 *
 * @throws {@link ConfigError} naming file and line, if rows differ in their number of fields, a quote is never closed,
 *   or two columns have one name, or none.
 */
export function readTable(text: string, table: TableFile): TaskList {
  let columns: string[] = []
  let cells: string[][] = []
  const onRecord = (fields: string[]): null => {
    if (columns.length === 0) {
      columns = fields.map((field) => field.trim())
      checkHeader(columns, table)
      cells = columns.map(() => [])
    } else {
      for (const [index, field] of fields.entries()) cells[index]?.push(field)
    }
    return null
  }
  // Loaded here, so that runs without a table don't wait for it.
  const { parse, CsvError } = createRequire(import.meta.url)(
    'csv-parse/sync',
  ) as typeof import('csv-parse/sync')
  try {
    parse(text, { ...FORMATS[table.format], ...COMMON, on_record: onRecord } as Options)
  } catch (error) {
    throw error instanceof CsvError ? tableFault(error, table) : error
  }
  return new TaskList(new Map(columns.map((column, index) => [column, cells[index] ?? []])))
}

const FORMATS: Readonly<Record<TableFile['format'], Options>> = {
  csv: { delimiter: ',' },
  tsv: { delimiter: '\t', quote: false, escape: null },
}
const COMMON: Options = {
  columns: false,
  // Left to itself, the parser takes the first line's end for all of them.
  record_delimiter: ['\r\n', '\n', '\r'],
  skip_empty_lines: true,
  max_record_size: LINE_SIZE_MAX,
}

function checkHeader(columns: readonly string[], { file }: TableFile): void {
  const empty = columns.indexOf('')
  if (empty >= 0) {
    throw new ConfigError(
      `Column ${empty + 1} of ${nameOfFile(file)} has no name. Its first line must name each column.`,
    )
  }
  const double = columns.find((column, index) => columns.indexOf(column) < index)
  if (double !== undefined) {
    throw new ConfigError(
      `Two columns of ${nameOfFile(file)} are called ${JSON.stringify(double)}. Rename one of them.`,
    )
  }
}

const TABLE_FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field begins that is never closed; the file may be cut off',
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH:
    'there are more or fewer fields than the first line has; the file may be cut off',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote; write "" for a quote inside a quoted field',
  INVALID_OPENING_QUOTE: 'a quote stands inside a field without quotes; put the field in quotes and write ""',
  CSV_MAX_RECORD_SIZE: 'the row is longer than 1 MiB; a quote before it may never be closed',
}

function tableFault(error: CsvError, { file }: TableFile): ConfigError {
  const line = typeof error.lines === 'number' ? error.lines : undefined
  const place = line === undefined ? nameOfFile(file) : `${nameOfFile(file)}, line ${line}`
  return new ConfigError(`${place}: ${TABLE_FAULTS[error.code] ?? error.message}.`, {
    cause: error,
    details: { line },
  })
}
