/**
 * The grid: a cell per task, on a canvas that is as large as the window on it, so that a million cells cost no more than
 * those that are seen. It is drawn when something has changed, at most once per frame of the screen.
 */
import { byId } from './elements.ts'
import { CODE_NAMES, type LiveTasks } from './live-tasks.ts'
import { colour, onThemeChange } from './theme.ts'

/** Side of a cell and the gap beside it, pixels: the largest with which all tasks are seen, within these bounds. */
const PITCH_MIN = 8
const PITCH_MAX = 24
/** Highest window on the grid, pixels. */
const HEIGHT_MAX = 420

/** Custom properties of the style sheet that the codes are drawn with, by their numbers. */
const COLOURS = CODE_NAMES.map((name) => `--state-${name.toLowerCase()}`)

/** What the grid tells. */
export interface GridListener {
  /** A task was chosen. */
  chosen(index: number): void
  /** The pointer or the cursor is on a task; `undefined`: on none. Where that is on the screen, in pixels. */
  pointed(
    index: number | undefined,
    at: { readonly x: number; readonly y: number; readonly by: 'pointer' | 'keys' },
  ): void
}

/** See the top of this file. */
export class LiveGrid {
  readonly #tasks: LiveTasks
  readonly #listener: GridListener
  readonly #window = byId('grid')
  readonly #space = byId('grid-space')
  readonly #canvas = byId('grid-canvas') as HTMLCanvasElement
  /** The tasks that are shown, in order; `undefined`: all. */
  #shown: Uint32Array | undefined
  #colours: readonly string[] = []
  #outline = ''
  #pitch = PITCH_MAX
  #columns = 1
  /** Places in the grid. */
  #pointed: number | undefined
  #cursor = 0
  #hasFocus = false
  /** A task. */
  #chosen: number | undefined
  #drawing = false

  constructor(tasks: LiveTasks, listener: GridListener) {
    this.#tasks = tasks
    this.#listener = listener
    // It is a control: the linter of the page's HTML knows no canvas that is one.
    this.#window.tabIndex = 0
    this.#window.setAttribute('role', 'application')
    this.#window.setAttribute('aria-label', 'A cell per task. Arrow keys move, Enter opens.')
    this.#window.setAttribute('aria-describedby', 'cell')
    this.#readColours()
    onThemeChange(() => {
      this.#readColours()
      this.draw()
    })
    new ResizeObserver(() => this.#layOut()).observe(this.#window)
    this.#window.addEventListener('scroll', () => this.draw(), { passive: true })
    this.#window.addEventListener('pointermove', (event) => this.#point(this.#placeAt(event), event))
    this.#window.addEventListener('pointerleave', (event) => this.#point(undefined, event))
    this.#window.addEventListener('click', (event) => this.#choose(this.#placeAt(event)))
    this.#window.addEventListener('keydown', (event) => this.#press(event))
    this.#window.addEventListener('focus', () => this.#focus(true))
    this.#window.addEventListener('blur', () => this.#focus(false))
  }

  /** Shows these tasks, or all. */
  show(shown: Uint32Array | undefined): void {
    this.#shown = shown
    this.#layOut()
  }

  /** Marks a task as the chosen one, or none. */
  mark(index: number | undefined): void {
    this.#chosen = index
    this.draw()
  }

  /** Number of cells. */
  get count(): number {
    return this.#shown?.length ?? this.#tasks.count
  }

  /** Draws the grid anew with the next frame of the screen. */
  draw(): void {
    if (this.#drawing) return
    this.#drawing = true
    requestAnimationFrame(() => {
      this.#drawing = false
      this.#paint()
    })
  }

  #taskAt(place: number): number {
    return this.#shown?.[place] ?? place
  }

  #layOut(): void {
    const width = this.#window.clientWidth
    if (width === 0) return
    const fitting = Math.floor(Math.sqrt((width * HEIGHT_MAX) / Math.max(this.count, 1)))
    this.#pitch = Math.min(Math.max(fitting, PITCH_MIN), PITCH_MAX)
    this.#columns = Math.max(Math.floor(width / this.#pitch), 1)
    const fullHeight = Math.ceil(this.count / this.#columns) * this.#pitch
    const height = Math.min(Math.max(fullHeight, this.#pitch), HEIGHT_MAX)
    this.#window.style.height = `${height}px`
    this.#space.style.height = `${Math.max(fullHeight, height)}px`
    const scale = devicePixelRatio
    this.#canvas.width = Math.round(width * scale)
    this.#canvas.height = Math.round(height * scale)
    this.#canvas.style.width = `${width}px`
    this.#canvas.style.height = `${height}px`
    this.#cursor = Math.min(this.#cursor, Math.max(this.count - 1, 0))
    // A canvas that was given a size is empty: what is drawn later would be seen to flicker.
    this.#paint()
  }

  #paint(): void {
    const context = this.#canvas.getContext('2d')
    if (context === null) return
    const scale = devicePixelRatio
    const { width, height } = this.#canvas
    const top = this.#window.scrollTop
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width / scale, height / scale)
    const firstRow = Math.floor(top / this.#pitch)
    const lastRow = Math.ceil((top + height / scale) / this.#pitch)
    const end = Math.min((lastRow + 1) * this.#columns, this.count)
    const size = this.#pitch - (this.#pitch > 12 ? 2 : 1)
    let drawnWith = -1
    for (let place = firstRow * this.#columns; place < end; place += 1) {
      const code = this.#tasks.codeOf(this.#taskAt(place))
      if (code !== drawnWith) {
        context.fillStyle = this.#colours[code] ?? ''
        drawnWith = code
      }
      const row = Math.floor(place / this.#columns)
      context.fillRect((place - row * this.#columns) * this.#pitch, row * this.#pitch - top, size, size)
    }
    this.#paintMarks(context, top, size)
  }

  #paintMarks(context: CanvasRenderingContext2D, top: number, size: number): void {
    context.strokeStyle = this.#outline
    const frame = (place: number, lineWidth: number): void => {
      const row = Math.floor(place / this.#columns)
      const [x, y] = [(place % this.#columns) * this.#pitch, row * this.#pitch - top]
      // Around the cell, so that its colour stays to be seen where cells are small.
      context.lineWidth = lineWidth
      context.strokeRect(x - lineWidth / 2, y - lineWidth / 2, size + lineWidth, size + lineWidth)
    }
    if (this.#pointed !== undefined) frame(this.#pointed, 1)
    if (this.#hasFocus && this.count > 0) frame(this.#cursor, 2)
    const chosen = this.#chosen === undefined ? -1 : this.#placeOf(this.#chosen)
    if (chosen !== -1) frame(chosen, 2.5)
  }

  #placeOf(index: number): number {
    return this.#shown === undefined ? index : this.#shown.indexOf(index)
  }

  #placeAt(event: MouseEvent): number | undefined {
    const bounds = this.#canvas.getBoundingClientRect()
    const column = Math.floor((event.clientX - bounds.left) / this.#pitch)
    const row = Math.floor((event.clientY - bounds.top + this.#window.scrollTop) / this.#pitch)
    const place = row * this.#columns + column
    return column < 0 || column >= this.#columns || place < 0 || place >= this.count ? undefined : place
  }

  #point(place: number | undefined, event: MouseEvent): void {
    if (place === this.#pointed && place === undefined) return
    this.#pointed = place
    const index = place === undefined ? undefined : this.#taskAt(place)
    this.#listener.pointed(index, { x: event.clientX, y: event.clientY, by: 'pointer' })
    this.draw()
  }

  #choose(place: number | undefined): void {
    if (place === undefined) return
    this.#cursor = place
    this.#listener.chosen(this.#taskAt(place))
  }

  #press(event: KeyboardEvent): void {
    const { key } = event
    const page = this.#columns * Math.max(Math.floor(this.#window.clientHeight / this.#pitch), 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.#columns,
      ArrowDown: this.#columns,
      PageUp: -page,
      PageDown: page,
      Home: -this.count,
      End: this.count,
    }
    const step = steps[key]
    if (step === undefined && key !== 'Enter' && key !== ' ') return
    event.preventDefault()
    if (this.count === 0) return
    if (step === undefined) this.#choose(this.#cursor)
    else this.#moveTo(this.#cursor + step)
  }

  #moveTo(place: number): void {
    this.#cursor = Math.min(Math.max(place, 0), this.count - 1)
    const y = Math.floor(this.#cursor / this.#columns) * this.#pitch
    const { scrollTop, clientHeight } = this.#window
    if (y < scrollTop) this.#window.scrollTop = y
    if (y + this.#pitch > scrollTop + clientHeight) this.#window.scrollTop = y + this.#pitch - clientHeight
    this.#tellCursor()
    this.draw()
  }

  #focus(hasFocus: boolean): void {
    // A click focuses as well, but then it is the pointer that points.
    this.#hasFocus = hasFocus && this.#window.matches(':focus-visible')
    if (this.#hasFocus) this.#tellCursor()
    this.draw()
  }

  #tellCursor(): void {
    if (this.count === 0) return
    const { left, top } = this.#canvas.getBoundingClientRect()
    const row = Math.floor(this.#cursor / this.#columns)
    const x = left + (this.#cursor % this.#columns) * this.#pitch
    const y = top + row * this.#pitch - this.#window.scrollTop
    this.#listener.pointed(this.#taskAt(this.#cursor), { x, y, by: 'keys' })
  }

  #readColours(): void {
    this.#colours = COLOURS.map(colour)
    this.#outline = colour('--text')
  }
}
