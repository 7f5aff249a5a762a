import { execFile } from 'node:child_process'
import { ConfigError } from '@mpibatch/batch-core'
import { parseSlurmTime } from '../submit/slurm-time.ts'

/** Time that `squeue` gets for an answer, milliseconds. */
const TIMEOUT_MS = 30_000

/**
 * Finds how much of a run's time limit is left.
 *
 * @param timeLimit - What `--time-limit` said: milliseconds from the start of the process, or to ask Slurm.
 * @returns Milliseconds from now; `undefined` if there is no limit.
 * @throws {@link ConfigError} if Slurm has to be asked, and can't be.
 */
export async function findTimeLimit(timeLimit: number | 'auto' | undefined): Promise<number | undefined> {
  // By this clock the process started at 0.
  if (timeLimit !== 'auto')
    return timeLimit === undefined ? undefined : Math.max(timeLimit - performance.now(), 0)
  const job = process.env.SLURM_JOB_ID
  if (job === undefined || !/^\d+$/.test(job)) {
    throw new ConfigError(
      "--time-limit auto asks Slurm for the rest of this job's time, but this is no job of Slurm. Say how long: --time-limit 2h.",
    )
  }
  const said = await ask('squeue', ['--noheader', '--jobs', job, '--format', '%L'])
  const answer = said.trim().split('\n', 1)[0] ?? ''
  if (answer === 'UNLIMITED' || answer === 'NOT_SET') return undefined
  try {
    // squeue always ends with minutes and seconds, so that this is not read as minutes.
    return (answer === '0:00' ? 0 : parseSlurmTime(answer)) * 1000
  } catch (error) {
    throw new ConfigError(
      `Slurm says ${JSON.stringify(answer)} of the rest of this job's time. Say how long: --time-limit 2h.`,
      {
        cause: error,
      },
    )
  }
}

function ask(program: string, argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...argv], { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else {
        const why = stderr.trim().split('\n', 1)[0] || error.message
        reject(
          new ConfigError(`--time-limit auto could not ask Slurm: ${why}. Say how long: --time-limit 2h.`, {
            cause: error,
          }),
        )
      }
    })
  })
}
