/** Prints a duration as the program's other output does: `850 ms`, `12.3 s`, `4 min 05 s`, `1 h 03 min`, `2 d 07 h`. */
export function durationText(durationMs: number): string {
  if (durationMs < 9.95) return `${Math.round(durationMs * 10) / 10} ms`
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`
  // Each form rounds first and is left when that reaches its end, so that nothing reads "60.0 s".
  const tenths = Math.round(durationMs / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`
  const minutes = Math.round(durationMs / 60_000)
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
  const hours = Math.round(durationMs / 3_600_000)
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
