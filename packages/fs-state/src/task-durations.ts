import { type NamedList, NameIndex } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import { readAllAttempts } from './history.ts'

/**
 * The last recorded duration of each task in milliseconds, NaN where none is known. Attempts that gave their task back
 * don't count.
 */
export function readDurations(files: FileLayer, root: string, tasks: NamedList): Float64Array {
  const durations = new Float64Array(tasks.length).fill(Number.NaN)
  const recordedAtMs = new Float64Array(tasks.length)
  const names = NameIndex.of(tasks.length, (index) => tasks.at(index)?.name ?? '')
  for (const { line } of readAllAttempts(files, root)) {
    if (line.kind !== 'end' || line.state === 'OPEN') continue
    const index = names.indexOf(line.task)
    if (index === undefined || line.atMs < (recordedAtMs[index] ?? 0)) continue
    recordedAtMs[index] = line.atMs
    durations[index] = line.durationMs
  }
  return durations
}
