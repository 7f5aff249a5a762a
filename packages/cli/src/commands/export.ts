import { ConfigError } from '@mpibatch/batch-core'
import { openRootView, type RootView, type TaskReport } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { attemptRecord, csvAttempt, csvHeader } from '../output/attempt-record.ts'
import { JOB_LOG_HEADER, jobLogLine } from '../output/job-log-line.ts'
import { writeLines } from '../output/write-lines.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

const FORMATS = ['joblog', 'csv', 'json'] as const
type Format = (typeof FORMATS)[number]

/** `mpibatch export [ROOT] --joblog|--csv|--json`: the table of every attempt. */
export const exportCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'export [ROOT] --joblog|--csv|--json',
      options: {
        joblog: { type: 'boolean', describe: "GNU parallel's columns; attempts that gave their result" },
        csv: { type: 'boolean', describe: 'all attempts, with the values of their tasks' },
        json: { type: 'boolean', describe: 'the same, one JSON object a line' },
      },
    })
    const format = chosenFormat(values)
    await writeLines(linesOf(openRootView(onlyRoot(words)), format))
    return EXIT_CODE.done
  },
}

function chosenFormat(values: Readonly<Record<string, unknown>>): Format {
  const [format, ...others] = FORMATS.filter((name) => values[name] === true)
  if (format !== undefined && others.length === 0) return format
  throw new ConfigError('Say in one form what to print: --joblog, --csv or --json.')
}

function* linesOf(view: RootView, format: Format): Generator<string> {
  const columns = format === 'csv' ? valueColumns(view.knownTasks()) : []
  if (format === 'joblog') yield JOB_LOG_HEADER
  if (format === 'csv') yield csvHeader(columns)
  for (const row of view.attempts()) {
    const task = view.knownTask(row.task)
    if (format === 'joblog') {
      const line = jobLogLine(row, { number: (task?.index ?? -1) + 1, summary: task?.summary })
      if (line !== undefined) yield line
    } else {
      const record = attemptRecord(row, task)
      yield format === 'csv' ? csvAttempt(record, columns) : JSON.stringify(record)
    }
  }
}

/** The names of all values that some task has, in the order in which they first come. */
function valueColumns(tasks: Iterable<Pick<TaskReport, 'values'>>): readonly string[] {
  const columns = new Set<string>()
  for (const { values = {} } of tasks) for (const column of Object.keys(values)) columns.add(column)
  return [...columns]
}
