/** A moment as JSON shows it: ISO 8601 in UTC, `null` where it is not known. `timeMs` counts from 1970. */
export function isoTime(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString()
}
