import { ConfigError } from '@mpibatch/batch-core'
import { parseDuration } from '../input/duration.ts'

/** `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, and longer forms with days. */
const SLURM_FORM = /^(?:(\d+)-(\d+)(?::(\d+)(?::(\d+))?)?|(\d+)(?::(\d+)(?::(\d+))?)?)$/

/**
 * Reads a time limit as sbatch does (`90` is 90 minutes), or with units (`1h30m`).
 *
 * @returns Seconds.
 * @throws {@link ConfigError} if it is neither.
 */
export function parseSlurmTime(text: string): number {
  const match = SLURM_FORM.exec(text)
  if (match === null) return Math.ceil(parseDuration(text, '--time') / 1000)
  const [days, hours, minutes, seconds, first, second, third] = match
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)))
  const total =
    days !== undefined
      ? ((days * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)
      : third !== undefined
        ? ((first ?? 0) * 60 + (second ?? 0)) * 60 + third
        : (first ?? 0) * 60 + (second ?? 0)
  if (total > 0) return total
  throw new ConfigError(`--time was given ${JSON.stringify(text)}, and no task is that fast.`)
}

/** A time limit as sbatch reads it: `days-hours:minutes:seconds`. */
export function printSlurmTime(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const days = Math.floor(seconds / 86_400)
  const clock = `${two((seconds % 86_400) / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
  return days === 0 ? clock : `${days}-${clock}`
}
