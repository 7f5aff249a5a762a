import { ConfigError } from '@mpibatch/batch-core'
import { readDigits } from './count.ts'

/** Most tasks in one list. */
export const TASK_COUNT_MAX = 10_000_000

/** What `--array` asks for. */
export interface ArraySpec {
  /** The numbers, in the order given. */
  readonly values: readonly number[]
  /** At most so many tasks at once; `undefined` without `%`. */
  readonly atOnceMax: number | undefined
}

/**
 * Reads a list of numbers and ranges as Slurm writes it: `0-99`, `0-99:2`, `1,5,7-9`, with `%4` behind it for at most
 * four at once. Underscores may part digits: `1-1_000`.
 *
 * @throws {@link ConfigError} for a part that is neither, a range that runs backwards, or more than 10,000,000 numbers.
 */
export function parseArraySpec(text: string): ArraySpec {
  const [list = '', atOnceText, ...rest] = text.split('%')
  const atOnceMax = atOnceText === undefined ? undefined : readDigits(atOnceText)
  if (rest.length > 0 || (atOnceText !== undefined && (atOnceMax === undefined || atOnceMax < 1))) {
    throw fault(text, 'has no number from 1 behind its %, as in 0-99%4')
  }
  const values: number[] = []
  for (const part of list.split(',')) appendRange(values, part, text)
  return { values, atOnceMax }
}

function appendRange(values: number[], part: string, text: string): void {
  const match = /^([\d_]+)(?:-([\d_]+)(?::([\d_]+))?)?$/.exec(part)
  const first = readDigits(match?.[1] ?? '')
  const last = match?.[2] === undefined ? first : readDigits(match[2])
  const step = readDigits(match?.[3] ?? '1')
  if (first === undefined || last === undefined || step === undefined) {
    const shown = part === '' ? 'an empty part' : `${JSON.stringify(part)} in it`
    throw fault(text, `has ${shown}, where a number, a range 0-99, or a range with a step 0-99:2 belongs`)
  }
  if (!Number.isSafeInteger(last) || !Number.isSafeInteger(first))
    throw fault(text, `has a number that is too large`)
  if (step < 1) throw fault(text, `has a step of 0 in ${JSON.stringify(part)}`)
  if (last < first) throw fault(text, `has a range that runs backwards, ${JSON.stringify(part)}`)
  const count = Math.floor((last - first) / step) + 1
  if (values.length + count > TASK_COUNT_MAX) throw fault(text, 'has more than 10,000,000 numbers')
  for (let offset = 0; offset < count; offset += 1) values.push(first + offset * step)
}

function fault(text: string, reason: string): ConfigError {
  return new ConfigError(
    `--array was given ${JSON.stringify(text)}, which ${reason}. Write it as 0-99, 0-99:2 or 1,5,7-9.`,
  )
}
