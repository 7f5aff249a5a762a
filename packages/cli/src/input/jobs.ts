import { availableParallelism } from 'node:os'
import { ConfigError } from '@mpibatch/batch-core'
import { readDigits } from './count.ts'

/** Most slots or ranks that one machine is asked for. */
const JOBS_MAX = 4096

/** Processors that this process may use. A Slurm that does not bind processes to processors says how many are meant. */
function processorsHere(): number {
  const given = readDigits(process.env.SLURM_CPUS_ON_NODE ?? '') ?? Number.POSITIVE_INFINITY
  return Math.max(1, Math.min(availableParallelism(), given))
}

/**
 * Number of slots or ranks on this machine: `N`, or `P%` of the processors that this process may use, at least 1.
 * Left out, all of those.
 *
 * @throws {@link ConfigError} if it is neither, or beyond 1 to 4096.
 */
export function parseJobs(text: string | undefined, available: number = processorsHere()): number {
  if (text === undefined) return Math.min(JOBS_MAX, available)
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  const jobs =
    percent === undefined ? readDigits(text) : Math.max(1, Math.round((available * Number(percent)) / 100))
  if (jobs === undefined || jobs < 1 || jobs > JOBS_MAX || Number(percent) === 0) {
    throw new ConfigError(
      `--jobs was given ${JSON.stringify(text)}; it takes a number from 1 to ${JOBS_MAX}, or a percentage of the ` +
        `${available} processors here, like 50%.`,
    )
  }
  return jobs
}
