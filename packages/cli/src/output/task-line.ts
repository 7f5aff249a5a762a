import type { TaskReport } from '@mpibatch/fs-state'
import { formatDuration } from '../input/duration.ts'
import { isoTime } from './iso-time.ts'
import { printable } from './printable.ts'

/** What `list --json` prints of a task, one object per task. */
export interface TaskRecord {
  readonly name: string
  /** Position in the manifest, from 0. */
  readonly index: number
  readonly state: string
  readonly attempts: number
  /** Exit code of the last attempt's command, if it exited. */
  readonly exit: number | null
  /** Signal that ended the last attempt's command. */
  readonly signal: string | null
  /** How the last attempt ended: `done`, `exit`, `signal`, `timeout`, `not-found`, `not-executable`, `error`, `interrupted`. */
  readonly reason: string | null
  readonly message: string | null
  /** Seconds that the last attempt took. */
  readonly duration: number | null
  readonly host: string | null
  /** ISO 8601, UTC. */
  readonly started: string | null
  readonly ended: string | null
  /** Instance that runs the task now. */
  readonly owner: string | null
  /** Whether that instance lives; `null` where nobody runs the task. */
  readonly ownerAlive: boolean | null
  readonly values: Readonly<Record<string, unknown>>
}

/** The facts about a task as plain data. */
export function taskRecord(task: TaskReport): TaskRecord {
  return {
    name: task.name,
    index: task.index,
    state: task.state,
    attempts: task.attempts,
    exit: task.exitCode ?? null,
    signal: task.signal ?? null,
    reason: task.reason ?? null,
    message: task.message ?? null,
    duration: task.durationMs === undefined ? null : Math.round(task.durationMs) / 1000,
    host: task.host ?? null,
    started: isoTime(task.startedAtMs),
    ended: isoTime(task.endedAtMs),
    owner: task.owner?.instance ?? null,
    ownerAlive: task.owner?.alive ?? null,
    values: task.values ?? {},
  }
}

/** How the last attempt ended, in a word or two: `exit 3`, `SIGKILL`, `timeout`, `not found`. */
export function outcomeText(task: Pick<TaskReport, 'reason' | 'exitCode' | 'signal'>): string {
  switch (task.reason) {
    case undefined:
      return '-'
    case 'done':
      return task.exitCode === undefined ? 'ok' : `exit ${task.exitCode}`
    case 'exit':
      return `exit ${task.exitCode ?? '?'}`
    case 'signal':
      return task.signal ?? 'signal'
    case 'timeout':
      return 'timeout'
    case 'not-found':
      return 'not found'
    case 'not-executable':
      return 'not executable'
    default:
      return task.reason
  }
}

/** The columns of `list` for people. */
export const LIST_COLUMNS = ['NAME', 'STATE', 'ATTEMPTS', 'EXIT', 'DURATION', 'HOST', 'MESSAGE'] as const

/** One task as the cells of {@link LIST_COLUMNS}. */
export function taskCells(task: TaskReport): string[] {
  const state = task.state === 'RUNNING' && task.owner?.alive === false ? 'RUNNING (owner dead)' : task.state
  return [
    printable(task.name),
    state,
    String(task.attempts),
    outcomeText(task),
    task.durationMs === undefined ? '-' : formatDuration(task.durationMs),
    task.host ?? '-',
    printable(task.message ?? ''),
  ]
}

/** Puts cells under each other; the last column is not padded. */
export function alignColumns(rows: Iterable<readonly string[]>): Generator<string> {
  const columns = new AlignedColumns()
  for (const row of rows) columns.add(row)
  return columns.lines()
}

/** Rows that are packed into one piece. */
const ROWS_PER_PIECE = 1000

/** {@link alignColumns}, row by row. Rows wait as packed text, since there may be a million. */
export class AlignedColumns {
  readonly #widths: number[] = []
  readonly #pieces: Buffer[] = []
  #rows: (readonly string[])[] = []

  /** Adds a row. */
  add(row: readonly string[]): void {
    for (const [column, cell] of row.entries())
      this.#widths[column] = Math.max(this.#widths[column] ?? 0, cell.length)
    this.#rows.push(row)
    if (this.#rows.length < ROWS_PER_PIECE) return
    this.#pieces.push(Buffer.from(JSON.stringify(this.#rows)))
    this.#rows = []
  }

  /** All rows as lines. */
  *lines(): Generator<string> {
    for (const piece of this.#pieces) {
      for (const row of JSON.parse(piece.toString()) as (readonly string[])[]) yield this.#line(row)
    }
    for (const row of this.#rows) yield this.#line(row)
  }

  #line(row: readonly string[]): string {
    return row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(this.#widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  }
}

/** Puts `{field}`s of the task's record into a template, for `list --format`. */
export function formatTask(template: string, record: TaskRecord): string {
  return template.replace(/\{(\w+)\}/g, (whole, field: string) => {
    const value = (record as unknown as Record<string, unknown>)[field]
    if (value === undefined) return whole
    if (value === null) return ''
    return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
  })
}

/** The fields that {@link formatTask} knows. */
export const FORMAT_FIELDS: readonly (keyof TaskRecord)[] = [
  'name',
  'index',
  'state',
  'attempts',
  'exit',
  'signal',
  'reason',
  'message',
  'duration',
  'host',
  'started',
  'ended',
  'owner',
  'ownerAlive',
  'values',
]
