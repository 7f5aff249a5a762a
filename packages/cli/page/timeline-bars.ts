import type { EndingKind, TimelineData } from '#src/report/report-data'
import { bytesOf, wordsOf } from './columns.ts'
import { type BarCanvas, type BarPlace, Crowd } from './timeline-crowd.ts'

/** Colours of endings, as variables of the style. */
export const ENDING_COLOURS: Readonly<Record<EndingKind, string>> = {
  done: '--state-done',
  running: '--state-running',
  returned: '--state-open',
  retried: '--state-retried',
  failed: '--state-failed',
  discarded: '--state-invalid',
  lost: '--text',
}

/** What words the page has for endings. */
export const ENDING_WORDS: Readonly<Record<EndingKind, string>> = {
  done: 'done',
  running: 'running',
  returned: 'given back',
  retried: 'failed, and opened again',
  failed: 'failed',
  discarded: 'discarded: too late',
  lost: 'lost with their run',
}

/** An attempt of the timeline. */
export interface ShownAttempt {
  readonly name: string
  readonly worker: string
  readonly kind: EndingKind
  readonly ending: string
  readonly startMs: number
  readonly durationMs: number
}

/** From so many attempts on that did not end well, they are no longer drawn over all others. */
const MANY = 500

/** The attempts of a timeline, found and drawn by what is in view. */
export class TimelineBars {
  readonly #data: TimelineData
  readonly #offsets: Uint32Array
  readonly #starts: Uint32Array
  readonly #durations: Uint32Array
  readonly #names: Uint32Array
  readonly #endings: Uint8Array
  readonly #otherCount: number

  constructor(data: TimelineData) {
    this.#data = data
    this.#offsets = wordsOf(data.offsets)
    this.#starts = wordsOf(data.starts)
    this.#durations = wordsOf(data.durations)
    this.#names = wordsOf(data.nameIndexes)
    this.#endings = bytesOf(data.endingIndexes)
    this.#otherCount = this.#endings.reduce((sum, _, index) => sum + (isPlain(this.#kind(index)) ? 0 : 1), 0)
  }

  attempt(index: number): ShownAttempt {
    const { fromMs, unitMs, names, workers } = this.#data
    const worker = this.#offsets.findLastIndex((offset) => offset <= index)
    return {
      name: names[this.#names[index] ?? 0] ?? '',
      worker: workers[worker]?.label ?? '',
      kind: this.#kind(index),
      ending: this.#data.endings[this.#endings[index] ?? 0]?.text ?? '',
      startMs: fromMs + (this.#starts[index] ?? 0) * unitMs,
      durationMs: (this.#durations[index] ?? 0) * unitMs,
    }
  }

  /** Attempts of a worker that run between two moments, by their positions; those that ended badly come last. */
  find(worker: number, fromMs: number, toMs: number): number[] {
    const found: number[] = []
    this.#within(worker, { fromMs, toMs }, (index) => found.push(index))
    return found
      .sort((one, other) => Number(isPlain(this.#kind(one))) - Number(isPlain(this.#kind(other))))
      .reverse()
  }

  /**
   * Draws what is in view. Attempts narrower than two pixels are drawn together, pixel by pixel: the denser the more of
   * its time they fill, and from below, as high as their part of the attempts is, what did not end well. That is never
   * so little that it can't be seen; where there are few of them, each is drawn over all others, two pixels wide.
   *
   * @param colourOf - The colour of an ending.
   */
  draw(context: BarCanvas, place: BarPlace, colourOf: (kind: EndingKind) => string): void {
    const workerCount = this.#data.workers.length
    const step = place.height / Math.max(workerCount, 1)
    const gap = step >= 6 ? Math.max(1, Math.round(step * 0.14)) : 0
    for (let worker = 0; worker < workerCount; worker += 1) {
      const top = Math.round(place.top + worker * step)
      const height = Math.max(1, Math.round(place.top + (worker + 1) * step) - top - gap)
      const row = { ...place, top, height }
      const crowd = new Crowd(place.width)
      const areFew = this.#otherCount <= MANY
      this.#within(worker, row, (index) => {
        const { left, right, exact } = this.#pixels(index, row, 1)
        const kind = this.#kind(index)
        if (right - left >= 2) this.#fill(context, row, { left, right, colour: colourOf(kind) })
        else crowd.add(left - row.left, { kind, width: exact, stands: areFew || isPlain(kind) })
      })
      crowd.draw(context, row, colourOf)
      if (areFew) this.#drawOthers(context, row, worker, colourOf)
    }
  }

  #drawOthers(
    context: BarCanvas,
    place: BarPlace,
    worker: number,
    colourOf: (kind: EndingKind) => string,
  ): void {
    this.#within(worker, place, (index) => {
      const kind = this.#kind(index)
      if (isPlain(kind)) return
      const { left, right } = this.#pixels(index, place, 2)
      this.#fill(context, place, { left, right, colour: colourOf(kind) })
    })
  }

  #fill(
    context: BarCanvas,
    { top, height }: BarPlace,
    { left, right, colour }: { readonly left: number; readonly right: number; readonly colour: string },
  ): void {
    context.fillStyle = colour
    // A bar that is wide enough leaves a pixel free, so that its neighbour can be told from it.
    context.fillRect(left, top, right - left >= 4 ? right - left - 1 : right - left, height)
  }

  #pixels(
    index: number,
    place: BarPlace,
    widthMin: number,
  ): { readonly left: number; readonly right: number; readonly exact: number } {
    const { fromMs, unitMs } = this.#data
    const scale = place.width / (place.toMs - place.fromMs)
    const startMs = fromMs + (this.#starts[index] ?? 0) * unitMs
    const endMs = startMs + (this.#durations[index] ?? 0) * unitMs
    const edge = place.left + place.width
    const left = Math.min(
      Math.max(Math.floor(place.left + (startMs - place.fromMs) * scale), place.left),
      edge,
    )
    const right = Math.round(place.left + (endMs - place.fromMs) * scale)
    const exact = (endMs - startMs) * scale
    return { left, right: Math.min(Math.max(right, left + widthMin), edge), exact }
  }

  /** Calls for each attempt of a worker that reaches into a span, in the order of their starts. */
  #within(
    worker: number,
    span: { readonly fromMs: number; readonly toMs: number },
    visit: (index: number) => void,
  ): void {
    const { fromMs, unitMs } = this.#data
    const from = (span.fromMs - fromMs) / unitMs
    const to = (span.toMs - fromMs) / unitMs
    const begin = this.#offsets[worker] ?? 0
    const end = this.#offsets[worker + 1] ?? 0
    let [low, high] = [begin, end]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) < from) low = middle + 1
      else high = middle
    }
    // Attempts of one worker follow each other, so only the last that had started before can reach into the span.
    for (let index = Math.max(begin, low - 1); index < end; index += 1) {
      const start = this.#starts[index] ?? 0
      if (start > to) return
      if (start + (this.#durations[index] ?? 0) >= from) visit(index)
    }
  }

  #kind(index: number): EndingKind {
    return this.#data.endings[this.#endings[index] ?? 0]?.kind ?? 'done'
  }
}

/** Whether there is nothing to say of such an attempt. */
function isPlain(kind: EndingKind): boolean {
  return kind === 'done' || kind === 'running'
}
