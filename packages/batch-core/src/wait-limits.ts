import { TimeoutError, UsageError } from './errors.ts'

/** Longest delay that a timer of Node takes, in milliseconds; a longer timeout is no timeout. */
const TIMER_MS_MAX = 0x7fffffff

/** What ends a wait before its time. */
export interface WaitLimits {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks limits before a wait begins.
 *
 * @throws {@link UsageError} if `timeoutMs` is no time; the signal's reason if it has aborted.
 */
export function checkWaitLimits({ timeoutMs, signal }: WaitLimits): void {
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new UsageError(`timeoutMs is ${timeoutMs}, but has to be a number of milliseconds, 0 or more.`)
  }
  signal?.throwIfAborted()
}

/**
 * Calls `fail` with a {@link TimeoutError} or the signal's reason when a limit is reached.
 *
 * @param missing - What did not come, as the start of a sentence: "No message came".
 * @returns What to call when the wait is over; `undefined` if there are no limits.
 */
export function watchWaitLimits(
  { timeoutMs, signal }: WaitLimits,
  missing: string,
  fail: (reason: unknown) => void,
): (() => void) | undefined {
  if (timeoutMs === undefined && signal === undefined) return undefined
  const onAbort = (): void => fail(signal?.reason)
  const onTimeout = (): void => {
    const message = `${missing} within ${timeoutMs} ms. Wait longer, or see what the other ranks do.`
    fail(new TimeoutError(message, { details: { timeoutMs } }))
  }
  const timer =
    timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX ? setTimeout(onTimeout, timeoutMs) : undefined
  signal?.addEventListener('abort', onAbort)
  return () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
