import type { AttemptRow, TaskReport } from '@mpibatch/fs-state'
import { isoTime } from './iso-time.ts'

/** What `export --json` prints of an attempt, one object a line. */
export interface AttemptRecordLine {
  readonly name: string
  /** Position of the task in the manifest, from 0; `null` if it is no task of the root any more. */
  readonly index: number | null
  /** From 1; `null` where no end is on record. */
  readonly attempt: number | null
  /** Fencing number of the claim. */
  readonly claim: number
  /** `ended`; `discarded`: somebody else had taken the task; `unfinished`: it runs, or its owner died. */
  readonly outcome: string
  /** The state that it gave the task: `DONE`, `FAILED`, or `OPEN` where it gave the task back. */
  readonly state: string | null
  readonly reason: string | null
  readonly exit: number | null
  readonly signal: string | null
  readonly message: string | null
  readonly host: string | null
  /** Number of the slot or worker group, from 0. */
  readonly worker: number | null
  readonly instance: string
  /** ISO 8601, UTC. */
  readonly started: string | null
  readonly ended: string | null
  /** Seconds. */
  readonly duration: number | null
  readonly values: Readonly<Record<string, unknown>>
}

/** The facts about an attempt as plain data. */
export function attemptRecord(
  row: AttemptRow,
  task: Pick<TaskReport, 'index' | 'values'> | undefined,
): AttemptRecordLine {
  return {
    name: row.task,
    index: task?.index ?? null,
    attempt: row.attempt ?? null,
    claim: row.slot,
    outcome: row.outcome,
    state: row.state ?? null,
    reason: row.reason ?? null,
    exit: row.exitCode ?? null,
    signal: row.signal ?? null,
    message: row.message ?? null,
    host: row.host ?? null,
    worker: row.worker ?? null,
    instance: row.instance,
    started: isoTime(row.startedAtMs),
    ended: isoTime(row.endedAtMs),
    duration: row.durationMs === undefined ? null : Math.round(row.durationMs) / 1000,
    values: task?.values ?? {},
  }
}

/** The columns of `export --csv` before those of the tasks' values. */
export const ATTEMPT_COLUMNS: readonly Exclude<keyof AttemptRecordLine, 'values'>[] = [
  'name',
  'index',
  'attempt',
  'claim',
  'outcome',
  'state',
  'reason',
  'exit',
  'signal',
  'message',
  'host',
  'worker',
  'instance',
  'started',
  'ended',
  'duration',
]

/** Columns of values have this before their name, so that none is called as one of {@link ATTEMPT_COLUMNS}. */
const VALUE_PREFIX = 'values.'

/** The header of the table as a line of CSV. */
export function csvHeader(valueColumns: readonly string[]): string {
  return csvLine([...ATTEMPT_COLUMNS, ...valueColumns.map((column) => `${VALUE_PREFIX}${column}`)])
}

/** An attempt as a line of CSV (RFC 4180, but for the line's end); what is not known is empty. */
export function csvAttempt(record: AttemptRecordLine, valueColumns: readonly string[]): string {
  return csvLine([
    ...ATTEMPT_COLUMNS.map((column) => record[column]),
    ...valueColumns.map((column) => record.values[column]),
  ])
}

function csvLine(cells: readonly unknown[]): string {
  return cells.map((cell) => csvCell(cell === null || cell === undefined ? '' : String(cell))).join(',')
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
