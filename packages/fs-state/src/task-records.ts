import type { EndLine, StartLine } from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { type RecordedAttempt, readAllAttempts } from './history.ts'

/** Records of a task's attempts: the last one that has ended, and the last one that has started. */
export interface TaskRecords {
  readonly ended?: EndLine
  readonly started?: StartLine
}

/** A line that is the last of its kind so far. */
interface Latest<Line> {
  readonly line: Line
  readonly part: number
}

/** The last records of every task that has any. Ends that were not accepted don't count. */
export function readTaskRecords(files: FileLayer, root: string): ReadonlyMap<string, TaskRecords> {
  const ended = new Map<string, Latest<EndLine>>()
  const started = new Map<string, Latest<StartLine>>()
  const discarded: RecordedAttempt[] = []
  for (const attempt of readAllAttempts(files, root)) {
    const { line, part } = attempt
    if (line.kind === 'end') keepLatest(ended, { line, part })
    else if (line.kind === 'start') keepLatest(started, { line, part })
    else discarded.push(attempt)
  }
  for (const { line, part } of discarded) {
    const latest = ended.get(line.task)
    if (latest?.line.slot === line.slot && latest.part === part) ended.delete(line.task)
  }
  const records = new Map<string, TaskRecords>()
  for (const [task, { line }] of ended) records.set(task, { ended: line })
  for (const [task, { line }] of started) records.set(task, { ...records.get(task), started: line })
  return records
}

function keepLatest<Line extends EndLine | StartLine>(
  latest: Map<string, Latest<Line>>,
  { line, part }: Latest<Line>,
): void {
  const known = latest.get(line.task)
  if (known === undefined || part > known.part || (part === known.part && line.slot >= known.line.slot))
    latest.set(line.task, { line, part })
}
