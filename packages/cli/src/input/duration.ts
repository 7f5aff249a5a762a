import { ConfigError } from '@mpibatch/batch-core'

/** Longest duration that is taken, in milliseconds: what a timer of Node holds, 24 days and 20 hours. */
export const DURATION_MS_MAX = 0x7fffffff

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const UNIT_MS: Readonly<Record<string, number>> = { d: DAY, h: HOUR, m: MINUTE, s: SECOND, ms: 1 }
const UNITS = Object.keys(UNIT_MS)

const FORMS = 'Write it as 90, 90s, 1.5h, 1h30m, 500ms or 01:30:00; a bare number means seconds'

/**
 * Reads a duration: `10s`, `5m`, `1h30m`, `1h 30m`, `2d`, `500ms`, `1.5h`, a bare number of seconds, `MM:SS` or
 * `HH:MM:SS`.
 *
 * @param what - Where it was given, for the message: `--timeout`.
 * @returns Milliseconds, rounded to a whole number.
 * @throws {@link ConfigError} if it is no duration, or longer than {@link DURATION_MS_MAX}.
 */
export function parseDuration(text: string, what: string): number {
  const trimmed = text.trim()
  const durationMs = readSeconds(trimmed) ?? readClock(trimmed) ?? readUnits(trimmed)
  if (durationMs === undefined) {
    throw new ConfigError(`${what} was given ${JSON.stringify(text)}, which is no duration. ${FORMS}.`)
  }
  if (durationMs > DURATION_MS_MAX) {
    throw new ConfigError(
      `${what} was given ${JSON.stringify(text)}, which is longer than 24 days, the most there is.`,
    )
  }
  return Math.round(durationMs)
}

function readSeconds(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * SECOND : undefined
}

/** `MM:SS` and `HH:MM:SS`; only the first part may go beyond 59. */
function readClock(text: string): number | undefined {
  const match = /^(?:(\d+):([0-5]\d)|(\d+)):([0-5]\d)$/.exec(text)
  if (match === null) return undefined
  const [, hours = '0', minutes, minutesOnly, seconds] = match
  return Number(hours) * HOUR + Number(minutes ?? minutesOnly) * MINUTE + Number(seconds) * SECOND
}

/** Numbers with units, each unit once, the larger first. */
function readUnits(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[dhms])\s*)+$/.test(text)) return undefined
  let total = 0
  let lastUnit = -1
  for (const [, number, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    if (UNITS.indexOf(unit) <= lastUnit) return undefined
    lastUnit = UNITS.indexOf(unit)
    total += Number(number) * (UNIT_MS[unit] ?? 0)
  }
  return total
}

/** Prints a duration for people: `850 ms`, `12.3 s`, `4 min 05 s`, `1 h 03 min`, `2 d 07 h`. */
export function formatDuration(durationMs: number): string {
  const milliseconds = Math.round(durationMs)
  if (milliseconds < SECOND) return `${milliseconds} ms`
  // Each form rounds first and is left when that reaches its end, so that nothing reads "60.0 s".
  const tenths = Math.round(durationMs / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(durationMs / SECOND)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`
  const minutes = Math.round(durationMs / MINUTE)
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
  const hours = Math.round(durationMs / HOUR)
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
