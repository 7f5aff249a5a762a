import { type AttemptColumns, type AttemptsByWorker, sortByWorker } from './attempt-columns.ts'
import type { Ending, TimelineData } from './report-data.ts'

/** Attempts that the page is given at most: more make a file that mail and browsers don't like. */
const SHOWN_MAX = 200_000
/** Units that the times of a timeline have at most: they are 32-bit numbers. */
const UNITS_MAX = 0xffff_ffff
/** The shortest unit, milliseconds. */
const UNIT_MS_MIN = 0.01

/** What a timeline is made from. */
export interface TimelineFacts {
  readonly columns: AttemptColumns
  readonly byWorker?: AttemptsByWorker
  readonly workers: TimelineData['workers']
  readonly endings: readonly Ending[]
  readonly nameOf: (taskIndex: number) => string
  /** @defaultValue 200,000 */
  readonly shownMax?: number
}

/**
 * Packs attempts for the page. Where there are too many, those that ended well are left out at even distances, and the
 * others only if they too are too many.
 */
export function timelineData(facts: TimelineFacts): TimelineData {
  const { columns, workers, endings, nameOf, shownMax = SHOWN_MAX } = facts
  const { startsMs, durationsMs, taskIndexes, endingIndexes } = columns
  const { order, offsets } = facts.byWorker ?? sortByWorker(columns, workers.length)
  const { fromMs, toMs } = wholeSpan(columns)
  const unitMs = Math.max(UNIT_MS_MIN, (toMs - fromMs) / UNITS_MAX)
  const isShown = chosen({ endingIndexes, endings, order, shownMax })
  const shownCount = isShown.reduce((sum, shown) => sum + shown, 0)
  const starts = new Uint32Array(shownCount)
  const durations = new Uint32Array(shownCount)
  const nameIndexes = new Uint32Array(shownCount)
  const endingsShown = new Uint8Array(shownCount)
  const offsetsShown = new Uint32Array(workers.length + 1)
  const names: string[] = []
  const nameIndexOf = new Map<number, number>()
  let next = 0
  for (let worker = 0; worker < workers.length; worker += 1) {
    for (let place = offsets[worker] ?? 0; place < (offsets[worker + 1] ?? 0); place += 1) {
      if (isShown[place] === 0) continue
      const position = order[place] ?? 0
      const task = taskIndexes[position] ?? 0
      let name = nameIndexOf.get(task)
      if (name === undefined) {
        name = names.push(nameOf(task)) - 1
        nameIndexOf.set(task, name)
      }
      starts[next] = Math.round(((startsMs[position] ?? 0) - fromMs) / unitMs)
      durations[next] = Math.min(UNITS_MAX, Math.round((durationsMs[position] ?? 0) / unitMs))
      nameIndexes[next] = name
      endingsShown[next] = endingIndexes[position] ?? 0
      next += 1
    }
    offsetsShown[worker + 1] = next
  }
  return {
    ...{ fromMs, toMs, unitMs, workers, endings, names, shownCount, totalCount: columns.count },
    offsets: base64(offsetsShown),
    starts: base64(starts),
    durations: base64(durations),
    endingIndexes: base64(endingsShown),
    nameIndexes: base64(nameIndexes),
  }
}

function wholeSpan({ startsMs, durationsMs }: AttemptColumns): { fromMs: number; toMs: number } {
  let [fromMs, toMs] = [Infinity, -Infinity]
  for (const [position, startMs] of startsMs.entries()) {
    fromMs = Math.min(fromMs, startMs)
    toMs = Math.max(toMs, startMs + (durationsMs[position] ?? 0))
  }
  return fromMs <= toMs ? { fromMs, toMs } : { fromMs: 0, toMs: 0 }
}

/** For each place of the order, 1 if that attempt is shown. */
function chosen(facts: {
  readonly endingIndexes: Uint8Array
  readonly endings: readonly Ending[]
  readonly order: Uint32Array
  readonly shownMax: number
}): Uint8Array {
  const { endingIndexes, endings, order, shownMax } = facts
  if (order.length <= shownMax) return new Uint8Array(order.length).fill(1)
  const isDone = (position: number): boolean => endings[endingIndexes[position] ?? 0]?.kind === 'done'
  const doneCount = order.reduce((sum, position) => sum + (isDone(position) ? 1 : 0), 0)
  const otherMax = Math.min(order.length - doneCount, Math.floor(shownMax / 2))
  const keepDone = evenly(doneCount, shownMax - otherMax)
  const keepOther = evenly(order.length - doneCount, otherMax)
  return Uint8Array.from(order, (position) => ((isDone(position) ? keepDone() : keepOther()) ? 1 : 0))
}

/** Says `true` for `kept` of `count` calls, at even distances. */
function evenly(count: number, kept: number): () => boolean {
  let owed = 0
  return () => {
    owed += kept
    if (owed < count) return false
    owed -= count
    return true
  }
}

function base64(numbers: Uint32Array | Uint8Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64')
}
