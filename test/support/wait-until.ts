import { setTimeout as pause } from 'node:timers/promises'

const INTERVAL_MS = 20

/**
 * Waits until a condition holds.
 *
 * @param look - Returns what was awaited, or `undefined` (or `false`) while it is not there.
 * @param options.describe - Says what stands there now; printed when the time is over.
 * @param options.timeoutMs - @defaultValue 20,000
 */
export async function waitUntil<T>(
  look: () => T | undefined | false,
  options: { readonly timeoutMs?: number; readonly describe?: () => string } = {},
): Promise<T> {
  const end = performance.now() + (options.timeoutMs ?? 20_000)
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`Waited in vain. ${options.describe?.() ?? ''}`)
    await pause(INTERVAL_MS)
  }
}
