import { ConfigError } from '@mpibatch/batch-core'
import { openRootView, type RootView, type TaskReport } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import {
  alignColumns,
  FORMAT_FIELDS,
  formatTask,
  LIST_COLUMNS,
  taskCells,
  taskRecord,
} from '../output/task-line.ts'
import { writeLines } from '../output/write-lines.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

const STATES = ['open', 'running', 'done', 'failed', 'invalid'] as const

/** `mpibatch list [ROOT] [--state failed,running] [--json] [--format …]`: a line per task. */
export const listCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'list [ROOT]',
      options: {
        state: {
          type: 'string',
          requiresArg: true,
          describe: `only tasks in these states: ${STATES.join(', ')}`,
        },
        json: { type: 'boolean', describe: 'print an array of objects' },
        format: {
          type: 'string',
          requiresArg: true,
          describe: `print a line of this text per task; fields are {${FORMAT_FIELDS.join('}, {')}}`,
        },
      },
    })
    const states = parseStates(values.state)
    const template = typeof values.format === 'string' ? checkTemplate(values.format) : undefined
    if (template !== undefined && values.json === true)
      throw new ConfigError('Take either --json or --format.')
    const view = openRootView(onlyRoot(words))
    await writeLines(linesOf(tasksIn(view, states), { json: values.json === true, template }))
    return EXIT_CODE.done
  },
}

function* tasksIn(view: RootView, states: ReadonlySet<string> | undefined): Generator<TaskReport> {
  for (const task of view.tasks())
    if (states === undefined || states.has(task.state.toLowerCase())) yield task
}

function* linesOf(
  tasks: Iterable<TaskReport>,
  { json, template }: { json: boolean; template: string | undefined },
): Generator<string> {
  if (template !== undefined) {
    for (const task of tasks) yield formatTask(template, taskRecord(task))
  } else if (json) {
    // Each line ends when it is known whether another one follows.
    let line: string | undefined
    for (const task of tasks) {
      if (line !== undefined) yield `${line},`
      line = `${line === undefined ? '[' : ' '}${JSON.stringify(taskRecord(task))}`
    }
    yield line === undefined ? '[]' : `${line}]`
  } else {
    yield* alignColumns(rowsOf(tasks))
  }
}

function* rowsOf(tasks: Iterable<TaskReport>): Generator<readonly string[]> {
  yield LIST_COLUMNS
  for (const task of tasks) yield taskCells(task)
}

function parseStates(text: unknown): ReadonlySet<string> | undefined {
  if (typeof text !== 'string') return undefined
  const states = text.toLowerCase().split(',')
  for (const state of states) {
    if (!(STATES as readonly string[]).includes(state)) {
      throw new ConfigError(`--state knows ${STATES.join(', ')}, but not ${JSON.stringify(state)}.`)
    }
  }
  return new Set(states)
}

function checkTemplate(template: string): string {
  for (const [, field] of template.matchAll(/\{(\w+)\}/g)) {
    if (!(FORMAT_FIELDS as readonly string[]).includes(field ?? '')) {
      throw new ConfigError(`--format knows the fields ${FORMAT_FIELDS.join(', ')}, but not {${field}}.`)
    }
  }
  return template
}
