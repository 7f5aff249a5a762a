import type { TaskCounts } from '@mpibatch/batch-core'
import { progressBar, progressText } from './progress-line.ts'
import { ProgressMeter } from './progress-meter.ts'

/** How progress is shown: `auto` is a bar on a terminal and plain lines elsewhere. */
export type ProgressStyle = 'auto' | 'bar' | 'plain' | 'none'

const BAR_INTERVAL_MS = 200
const PLAIN_INTERVAL_MS = 10_000
const DEFAULT_COLUMNS = 80
/** Carriage return, then erase to the end of the line. */
const CLEAR_LINE = '\r\u001b[K'

/** Shows progress on standard error until it is stopped; messages go through it, so that they don't tear the bar. */
export class ProgressDisplay {
  readonly #meter = new ProgressMeter()
  readonly #stream: NodeJS.WriteStream
  readonly #style: Exclude<ProgressStyle, 'auto'>
  #counts: (() => TaskCounts) | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether something else is being printed. */
  #isAside = false

  constructor(style: ProgressStyle, stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
    this.#style = style === 'auto' ? (stream.isTTY ? 'bar' : 'plain') : style
  }

  /** Begins to show what `counts` says. */
  start(counts: () => TaskCounts): void {
    this.#counts = counts
    if (this.#style === 'none') return
    this.#meter.update(counts(), performance.now())
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#show(), this.#style === 'bar' ? BAR_INTERVAL_MS : PLAIN_INTERVAL_MS)
    this.#timer.unref()
    if (this.#style === 'bar') this.#show()
  }

  /** Prints a message on a line of its own. */
  message(text: string): void {
    if (this.#hasBar) this.#stream.write(CLEAR_LINE)
    this.#stream.write(`mpibatch: ${text}\n`)
  }

  /** Whether a bar is on the screen, which other output would tear. */
  get isBar(): boolean {
    return this.#style === 'bar'
  }

  /** Writes whole lines of somebody else's. */
  writeLines(stream: 'stdout' | 'stderr', lines: Buffer): void {
    if (this.#hasBar) this.#stream.write(CLEAR_LINE)
    process[stream].write(lines)
  }

  /**
   * Takes the bar away while something else is printed.
   *
   * @param print - Resolves when it is, to whether it has left the cursor within a line.
   */
  async printAside(print: () => Promise<boolean>): Promise<void> {
    this.#isAside = true
    if (this.#hasBar) this.#stream.write(CLEAR_LINE)
    // The bar would wipe away the line on which the cursor is.
    if ((await print()) && this.#hasBar) this.#stream.write('\n')
    this.#isAside = false
  }

  get #hasBar(): boolean {
    return this.#style === 'bar' && this.#timer !== undefined
  }

  /** Takes the bar away. */
  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#style === 'bar') this.#stream.write(CLEAR_LINE)
  }

  #show(): void {
    if (this.#counts === undefined || this.#isAside) return
    const progress = this.#meter.update(this.#counts(), performance.now())
    if (this.#style === 'bar') {
      this.#stream.write(CLEAR_LINE + progressBar(progress, this.#stream.columns ?? DEFAULT_COLUMNS))
    } else {
      this.#stream.write(`${progressText(progress)}\n`)
    }
  }
}
