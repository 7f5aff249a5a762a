import type { DurationDistribution } from './report-data.ts'

const BIN_COUNT = 48
/** A clock tells no less, milliseconds; shorter attempts count as so long where the scale is logarithmic. */
const SHORTEST_MS = 0.1
/** From this ratio between long and short attempts on, equal steps would put most of them into the first bin. */
const LOGARITHMIC_FROM = 30

/** An attempt that ran to its end. */
export interface MeasuredDuration {
  readonly durationMs: number
  readonly isDone: boolean
}

/**
 * Counts durations by bins, which grow by a factor where durations span decades.
 *
 * @returns `undefined` if there are none.
 */
export function durationDistribution(
  measured: Iterable<MeasuredDuration>,
  count: number,
): DurationDistribution | undefined {
  const durations = new Float64Array(count)
  const isDone = new Uint8Array(count)
  let next = 0
  for (const one of measured) {
    durations[next] = one.durationMs
    isDone[next] = one.isDone ? 1 : 0
    next += 1
  }
  if (next === 0) return undefined
  const sorted = durations.slice(0, next).sort()
  const at = (share: number): number => quantile(sorted, share)
  const [minMs, maxMs] = [at(0), at(1)]
  const isLogarithmic = at(0.99) / Math.max(at(0.01), SHORTEST_MS) >= LOGARITHMIC_FROM
  const edgesMs = isLogarithmic ? factors(minMs, maxMs) : steps(minMs, maxMs)
  const doneCounts = new Array<number>(edgesMs.length - 1).fill(0)
  const otherCounts = doneCounts.slice()
  for (let position = 0; position < next; position += 1) {
    const counts = isDone[position] === 1 ? doneCounts : otherCounts
    const bin = binOf(durations[position] ?? 0, edgesMs, isLogarithmic)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const [medianMs, p95Ms] = [at(0.5), at(0.95)]
  const done = durations.filter((_, position) => isDone[position] === 1).sort()
  const doneP95Ms = done.length === 0 ? null : quantile(done, 0.95)
  return { isLogarithmic, edgesMs, doneCounts, otherCounts, minMs, medianMs, p95Ms, maxMs, doneP95Ms }
}

/** The value below which this share of sorted numbers lies; between two of them where it falls between. */
function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}

function steps(minMs: number, maxMs: number): number[] {
  const fromMs = minMs < maxMs / 2 ? 0 : minMs
  const width = Math.max(maxMs - fromMs, SHORTEST_MS) / BIN_COUNT
  return Array.from({ length: BIN_COUNT + 1 }, (_, edge) => fromMs + edge * width)
}

function factors(minMs: number, maxMs: number): number[] {
  const from = Math.max(minMs, SHORTEST_MS)
  const factor = (Math.max(maxMs, from * 2) / from) ** (1 / BIN_COUNT)
  return Array.from({ length: BIN_COUNT + 1 }, (_, edge) => from * factor ** edge)
}

function binOf(durationMs: number, edgesMs: readonly number[], isLogarithmic: boolean): number {
  const count = edgesMs.length - 1
  const first = edgesMs[0] ?? 0
  const last = edgesMs[count] ?? 0
  const share = isLogarithmic
    ? Math.log(durationMs / first) / Math.log(last / first)
    : (durationMs - first) / (last - first)
  return Math.min(Math.max(Math.floor(share * count), 0), count - 1)
}
