/**
 * What a task has printed: the end of it first, earlier pieces when they are asked for, and what comes while it runs.
 */
import { element } from './elements.ts'
import { askLog, type LogPiece } from './live-requests.ts'
import { readableOutput } from './printable.ts'

/** Time between two looks at a log that may grow, milliseconds. */
const FOLLOW_MS = 500
/** Bytes that are shown at most of a log that grows; beyond it only the end stays. */
const SHOWN_MAX = 2 * 1024 * 1024

/** A log on the page. Make a new one for another file, and close it when it is not shown any more. */
export class LiveLog {
  readonly element: HTMLElement
  readonly #task: string
  readonly #file: string
  readonly #isRunning: () => boolean
  readonly #text: HTMLPreElement
  readonly #note: HTMLElement
  readonly #earlier: HTMLButtonElement
  #decoder = new TextDecoder()
  /** What is shown: from which byte to which, of which file. */
  #shown: { from: number; to: number; file: string } | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  /** @param isRunning - Whether the task may still print. */
  constructor(task: string, file: string, isRunning: () => boolean) {
    this.#task = task
    this.#file = file
    this.#isRunning = isRunning
    this.#note = element('p', { class: 'muted' }, 'reading …')
    this.#earlier = element('button', { type: 'button', hidden: '' }, 'Load earlier output')
    this.#text = element('pre', { class: 'log mono', tabindex: '0', 'aria-label': file })
    this.element = element('div', {}, this.#note, this.#earlier, this.#text)
    this.#earlier.addEventListener('click', () => void this.#readEarlier())
    void this.#follow()
  }

  /** Ends the following. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Looks at once: the task's state has changed. */
  look(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    void this.#follow()
  }

  async #follow(): Promise<void> {
    this.#timer = undefined
    // Asked before reading: what was printed until then is read below.
    const isRunning = this.#isRunning()
    let hasMore = false
    try {
      hasMore = await this.#readNews()
    } catch {
      this.#note.textContent = 'The log could not be read; it is tried again.'
    }
    if (this.#closed) return
    const waitMs = hasMore ? 0 : isRunning ? FOLLOW_MS : 4 * FOLLOW_MS
    this.#timer = setTimeout(() => void this.#follow(), waitMs)
  }

  /** Reads what has come since, or the end of it at first; tells whether there is more. */
  async #readNews(): Promise<boolean> {
    const shown = this.#shown
    const range = shown === undefined ? {} : { from: shown.to }
    const piece = await askLog(this.#task, this.#file, range)
    if (this.#closed) return false
    if (piece === undefined) {
      this.#forget()
      this.#note.textContent = `There is no ${this.#file}${this.#isRunning() ? ' yet' : ': nothing was kept, or the task has not run'}.`
      return false
    }
    const isOther = shown !== undefined && (piece.file !== shown.file || piece.size < shown.to)
    const isTooLong = shown !== undefined && piece.bytes.length > 0 && piece.size - shown.from > SHOWN_MAX
    if (isOther || isTooLong) {
      // The next attempt has a new file; and of one that goes on to print that much, its end is shown again.
      this.#forget()
      return true
    }
    this.#append(piece)
    return piece.from + piece.bytes.length < piece.size
  }

  #append(piece: LogPiece): void {
    const isAtEnd = this.#text.scrollHeight - this.#text.scrollTop - this.#text.clientHeight < 24
    const text = readableOutput(this.#decoder.decode(piece.bytes, { stream: true }))
    if (text !== '') this.#text.append(text)
    this.#shown = {
      from: this.#shown?.from ?? piece.from,
      to: piece.from + piece.bytes.length,
      file: piece.file,
    }
    this.#showNote(piece.size)
    if (isAtEnd) this.#text.scrollTop = this.#text.scrollHeight
  }

  async #readEarlier(): Promise<void> {
    const shown = this.#shown
    if (shown === undefined) return
    const piece = await askLog(this.#task, this.#file, { before: shown.from }).catch(() => undefined)
    // What came at the end meanwhile is no matter, but the beginning has to be the same.
    const now = this.#shown
    if (this.#closed || piece === undefined || now?.file !== piece.file || now.from !== shown.from) return
    const height = this.#text.scrollHeight
    this.#text.prepend(readableOutput(new TextDecoder().decode(piece.bytes)))
    this.#text.scrollTop += this.#text.scrollHeight - height
    this.#shown = { ...now, from: piece.from }
    this.#showNote(piece.size)
  }

  #forget(): void {
    this.#shown = undefined
    this.#decoder = new TextDecoder()
    this.#text.replaceChildren()
    this.#earlier.hidden = true
  }

  #showNote(size: number): void {
    const from = this.#shown?.from ?? 0
    this.#earlier.hidden = from === 0
    const what =
      size === 0
        ? 'empty'
        : from === 0
          ? sizeText(size)
          : `the last ${sizeText(size - from)} of ${sizeText(size)}`
    this.#note.textContent = `${this.#file}: ${what}${this.#isRunning() ? ', following' : ''}`
  }
}

/** A size as people read it. */
function sizeText(size: number): string {
  if (size < 1024) return `${size} ${size === 1 ? 'byte' : 'bytes'}`
  if (size < 1024 ** 2) return `${(size / 1024).toFixed(1)} KiB`
  return `${(size / 1024 ** 2).toFixed(1)} MiB`
}
