import type { AttemptRow } from '@mpibatch/fs-state'
import { signalNumber } from '../command/signal-names.ts'
import { printable } from './printable.ts'

/** First line of a job log: GNU parallel's columns, by tabs. */
export const JOB_LOG_HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand'

/** Exit code that stands for a failure without one. */
const NO_EXIT_CODE = -1

/** The task of an attempt, as a job log names it. */
export interface JobLogTask {
  /** Number of the task, from 1. */
  readonly number: number
  /** What it runs, on one line, as the manifest has it; the name stands for one that says nothing. */
  readonly summary: string | undefined
}

/** What the manifest has of a task of a job script without values. */
const EMPTY_SUMMARY = '{}'

/**
 * An attempt as a line of a job log, without newline; `undefined` for one that has no line there: it has not ended, it
 * gave its task back, or its result does not count. Readers of a job log take each line for a task that has ended.
 *
 * Times are in seconds, the start since 1970. Nothing is counted of what was sent and received. A task that failed has
 * an exit code other than 0, or a signal.
 */
export function jobLogLine(
  row: AttemptRow,
  { number, summary = EMPTY_SUMMARY }: JobLogTask,
): string | undefined {
  const { outcome, state, host = '', startedAtMs = 0, durationMs = 0 } = row
  if (outcome !== 'ended' || state === 'OPEN') return undefined
  const [exitCode, signal] = endOf(row)
  return [
    number,
    printable(host),
    (startedAtMs / 1000).toFixed(3),
    (durationMs / 1000).toFixed(3).padStart(10),
    0,
    0,
    exitCode,
    signal,
    printable(summary === EMPTY_SUMMARY ? row.task : summary),
  ].join('\t')
}

function endOf({ state, exitCode = 0, signal }: AttemptRow): readonly [exitCode: number, signal: number] {
  if (state === 'DONE') return [0, 0]
  const number = signal === undefined ? 0 : (signalNumber(signal) ?? 0)
  // Such as a program that is not there, or one that took too long and then ended well.
  return exitCode === 0 && number === 0 ? [NO_EXIT_CODE, 0] : [exitCode, number]
}
