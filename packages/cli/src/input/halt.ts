import { ConfigError } from '@mpibatch/batch-core'
import { readDigits } from './count.ts'

/** When to end a batch before its end, as `--halt` says. */
export interface HaltPolicy {
  /** `soon`: finish what runs, start nothing; `now`: end what runs too. */
  readonly when: 'soon' | 'now'
  /** Tasks that are counted: FAILED, DONE (`success`), or both (`done`). */
  readonly on: 'fail' | 'success' | 'done'
  /** How many there have to be. */
  readonly threshold: number
  /** Whether the threshold is a percentage of all tasks. */
  readonly percent: boolean
}

/** What `--fail-fast` stands for. */
export const FAIL_FAST: HaltPolicy = { when: 'now', on: 'fail', threshold: 1, percent: false }

/**
 * Reads `never`, or `soon` or `now` with a condition: `now,fail=1`, `soon,success=3`, `soon,done=50%`. A condition
 * without a number means 1.
 *
 * @returns `undefined` for `never`.
 * @throws {@link ConfigError} for anything else.
 */
export function parseHalt(text: string): HaltPolicy | undefined {
  if (text === 'never') return undefined
  const match = /^(soon|now),(fail|success|done)(?:=([\d_]+)(%)?)?$/.exec(text)
  const threshold = readDigits(match?.[3] ?? '1')
  const percent = match?.[4] === '%'
  if (match === null || threshold === undefined || threshold < 1 || (percent && threshold > 100)) {
    throw new ConfigError(
      `--halt was given ${JSON.stringify(text)}; write never, or soon or now, a comma, and fail, success or done with ` +
        'a number or percentage: now,fail=1 or soon,fail=10%.',
    )
  }
  return { when: match[1] as HaltPolicy['when'], on: match[2] as HaltPolicy['on'], threshold, percent }
}

/** Ended tasks as {@link haltDecision} counts them. */
export interface HaltCounts {
  /** Tasks that are DONE. */
  readonly done: number
  /** Tasks that are FAILED. */
  readonly failed: number
  /** All tasks of the batch. */
  readonly total: number
}

/** Tasks that a percentage needs at least, so that the first failures of a long list do not end it. */
const PERCENT_COUNT_MIN = 3

/**
 * Says whether a batch has to be ended (pure).
 *
 * A percentage is one of all tasks, also of those that have not started, and needs at least three counted tasks, or
 * all tasks where there are fewer.
 */
export function haltDecision(
  policy: HaltPolicy,
  { done, failed, total }: HaltCounts,
): 'none' | 'soon' | 'now' {
  const counted = { fail: failed, success: done, done: done + failed }[policy.on]
  const needed = policy.percent
    ? Math.max((total * policy.threshold) / 100, Math.min(PERCENT_COUNT_MIN, total))
    : policy.threshold
  return counted > 0 && counted >= needed ? policy.when : 'none'
}
