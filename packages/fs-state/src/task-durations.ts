import type { FileLayer } from './file-layer.ts'
import { readAllAttempts } from './history.ts'

/**
 * The last recorded duration of each task in milliseconds, NaN where none is known. Attempts that gave their task back
 * don't count.
 */
export function readDurations(files: FileLayer, root: string, names: readonly string[]): Float64Array {
  const durations = new Float64Array(names.length).fill(Number.NaN)
  const recordedAtMs = new Float64Array(names.length)
  const indexOf = new Map(names.map((name, index) => [name, index]))
  for (const { line } of readAllAttempts(files, root)) {
    if (line.kind !== 'end' || line.state === 'OPEN') continue
    const index = indexOf.get(line.task)
    if (index === undefined || line.atMs < (recordedAtMs[index] ?? 0)) continue
    recordedAtMs[index] = line.atMs
    durations[index] = line.durationMs
  }
  return durations
}
