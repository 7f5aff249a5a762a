import type { TaskCounts } from '@mpibatch/batch-core'
import { EXIT_CODE } from '../exit-code.ts'
import { formatDuration } from '../input/duration.ts'
import { showWords } from '../input/shell-quoting.ts'
import type { StopControl } from './stop-control.ts'

/** How a run ended: what `--json` prints, as one object. */
export interface RunSummary {
  /** The task root; `null` for a batch in memory. */
  readonly root: string | null
  /** Number of tasks in the list. */
  readonly tasks: number
  readonly done: number
  readonly failed: number
  readonly open: number
  /** Tasks that another instance runs. */
  readonly elsewhere: number
  /** Tasks whose files could not be understood. */
  readonly invalid: number
  /** Duration of this run in seconds. */
  readonly seconds: number
  /** Name of the signal, `halt`, or `time-limit`, that ended the run early; `null` if it went on to its end. */
  readonly stoppedBy: string | null
  /** Exit code of the program. */
  readonly exitCode: number
}

/** Puts counts, time and reason to stop together into the summary and the exit code of a run. */
export function summarize(options: {
  readonly root: string | null
  readonly counts: TaskCounts
  readonly durationMs: number
  readonly stop: StopControl
  /** Whether the run had a time limit. */
  readonly hasTimeLimit: boolean
}): RunSummary {
  const { root, counts, durationMs, stop, hasTimeLimit } = options
  // A claim that could not be given back is still RUNNING here; to the user it is a task that was not done.
  const open = counts.OPEN + counts.RUNNING
  const tasks = counts.DONE + counts.FAILED + counts.ELSEWHERE + counts.INVALID + open
  const isOutOfTime = hasTimeLimit && open > 0 && stop.cause === undefined
  const early = isOutOfTime ? EXIT_CODE.terminated : open > 0 ? stop.exitCode : undefined
  return {
    root,
    tasks,
    done: counts.DONE,
    failed: counts.FAILED,
    open,
    elsewhere: counts.ELSEWHERE,
    invalid: counts.INVALID,
    seconds: Math.round(durationMs) / 1000,
    stoppedBy: isOutOfTime ? 'time-limit' : (stop.cause ?? null),
    exitCode: early ?? (counts.DONE === tasks ? EXIT_CODE.done : EXIT_CODE.notDone),
  }
}

/** The summary as a person reads it: one line, and what to do next. */
export function summaryLines(summary: RunSummary): string[] {
  const { tasks, done, failed, open, elsewhere, invalid, seconds } = summary
  const where = summary.root === null ? '' : ` ${showWords([summary.root])}`
  const parts = [`${done} of ${tasks} ${tasks === 1 ? 'task' : 'tasks'} DONE`]
  if (failed > 0) parts.push(`${failed} FAILED`)
  if (open > 0) parts.push(`${open} OPEN`)
  if (elsewhere > 0) parts.push(`${elsewhere} running elsewhere`)
  if (invalid > 0) parts.push(`${invalid} with files that can't be understood`)
  const lines = [`${parts.join(', ')}, in ${formatDuration(seconds * 1000)}.`]
  if (failed > 0) {
    lines.push(
      `See why: mpibatch list${where} --state failed. Run them again: the same line with --retry-failed.`,
    )
  }
  if (elsewhere > 0) lines.push('Wait for those that run elsewhere: the same line with --wait.')
  if (summary.stoppedBy === 'time-limit') lines.push('Its time limit has ended the run.')
  if (open > 0) lines.push('Run the same line again to go on.')
  return lines
}
