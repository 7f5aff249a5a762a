import { ConfigError } from '@mpibatch/batch-core'
import { parseDuration } from '../input/duration.ts'

/** `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, and longer forms with days. */
const SLURM_FORM = /^(\d+-)?\d+(:\d+){0,2}$/

/**
 * Reads a time limit as sbatch does (`90` is 90 minutes), or with units (`1h30m`).
 *
 * @returns Seconds.
 * @throws {@link ConfigError} if it is neither.
 */
export function parseSlurmTime(text: string): number {
  if (!SLURM_FORM.test(text)) return Math.ceil(parseDuration(text, '--time') / 1000)
  const [clock = '', days] = text.split('-').reverse()
  const [first = 0, second = 0, third] = clock.split(':').map(Number)
  // A single number is minutes, unless days stand before it.
  const hasHours = days !== undefined || third !== undefined
  const seconds = hasHours ? (first * 60 + second) * 60 + (third ?? 0) : first * 60 + second
  const total = Number(days ?? 0) * 86_400 + seconds
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
