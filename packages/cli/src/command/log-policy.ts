import { rmSync } from 'node:fs'
import { join } from 'node:path'

/** Which tasks keep their output: all, those that failed, or none. */
export type LogPolicy = 'all' | 'failed' | 'none'

/** Files for a command's output; without a path, that output is thrown away. */
export interface LogPaths {
  readonly stdoutPath?: string
  readonly stderrPath?: string
}

/**
 * Where a task's output goes: `stdout` and `stderr` in its directory, or nowhere.
 *
 * @param groupRank - The member of the worker group that runs the command; the first one's files have plain names, the
 *   others' end in their number: `stdout.1`.
 */
export function logPaths(policy: LogPolicy, directory: string, groupRank = 0): LogPaths {
  return policy === 'none' ? {} : logFiles(directory, groupRank)
}

/** The files in which a task's output is, if it is kept; see {@link logPaths}. */
export function logFiles(directory: string, groupRank: number): Required<LogPaths> {
  const ending = groupRank === 0 ? '' : `.${groupRank}`
  return { stdoutPath: join(directory, `stdout${ending}`), stderrPath: join(directory, `stderr${ending}`) }
}

/** Removes the output of a task that need not keep it. Files that are gone already are no fault. */
export function discardLogs(paths: LogPaths): void {
  for (const path of [paths.stdoutPath, paths.stderrPath]) {
    if (path !== undefined) rmSync(path, { force: true })
  }
}
