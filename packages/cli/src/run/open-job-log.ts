import type { RunOptions } from '../input/options.ts'
import type { ProgressDisplay } from '../output/progress-display.ts'
import type { JobLog } from './job-log.ts'

/**
 * Opens the file of `--joblog`, if one was asked for; on the one process of the run that keeps it.
 *
 * @throws {@link ConfigError} if the file can't be written, or is something else than a job log.
 */
export async function openJobLog(
  { jobLog }: Pick<RunOptions, 'jobLog'>,
  progress: Pick<ProgressDisplay, 'message'>,
): Promise<JobLog | undefined> {
  if (jobLog === undefined) return undefined
  // What it is made of takes long to load.
  const { JobLog } = await import('./job-log.ts')
  return new JobLog(jobLog, (text) => progress.message(text))
}
