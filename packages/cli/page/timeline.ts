import type { TimelineData } from '#src/report/report-data'
import { chartWidth, gridAxis, onChartResize } from './chart.ts'
import { durationText } from './duration-text.ts'
import { element } from './elements.ts'
import { colour } from './theme.ts'
import { ENDING_COLOURS, type ShownAttempt, TimelineBars } from './timeline-bars.ts'
import { Tooltip } from './tooltip.ts'

/** Height of a worker's row, pixels: at most, at least, and of all rows together before they shrink. */
const ROW_MAX = 22
const ROW_MIN = 2
const ROWS_WANTED = 560
/** A canvas can't grow without end. */
const ROWS_MAX = 8000
/** What a sheet of paper has room for, pixels. */
const HEIGHT_ON_PAPER = 860
const TIME_AXIS = 44
/** The pointer finds what is so near, pixels. */
const REACH = 2
/** The smallest span that can be zoomed to, milliseconds. */
const SPAN_MS_MIN = 0.2

/** What can be done to the timeline from outside. */
export interface Timeline {
  /** Shows this span; without one, all. */
  zoom(span?: { readonly fromMs: number; readonly toMs: number }): void
}

/** Draws the attempts of all workers over time. Dragging zooms, a double click shows all; keys do the same. */
export function drawTimeline(place: HTMLElement, data: TimelineData): Timeline {
  const bars = new TimelineBars(data)
  const rowCount = Math.max(data.workers.length, 1)
  const rowHeight = Math.max(ROW_MIN, Math.min(ROW_MAX, Math.floor(ROWS_WANTED / rowCount)))
  const height = Math.min(rowHeight * rowCount, ROWS_MAX) + TIME_AXIS + 8
  const whole = wholeOf(data)
  const frame = element('div', {
    class: 'timeline-frame',
    tabindex: '0',
    role: 'group',
    'aria-label': 'Timeline by worker. Plus and minus zoom, arrow keys move, 0 shows all.',
  })
  place.append(frame)
  const tooltip = new Tooltip(place)
  const chart = new uPlot(
    {
      width: chartWidth(frame),
      height,
      ms: 1,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 4 } },
      scales: {
        x: { time: true, range: (_chart, min, max) => [min, Math.max(max, min + SPAN_MS_MIN)] },
        y: { range: [0, rowCount], dir: -1 },
      },
      axes: [
        {
          ...gridAxis(),
          // Where the rows are to be scrolled, the times stand above them: below they would not be seen.
          ...(rowHeight * rowCount > ROWS_WANTED ? { side: 0 as const, gap: 22 } : { side: 2 as const }),
          size: TIME_AXIS,
          space: 90,
          values: (_chart, times, _axis, _space, step) => timeLabels(times, step),
        },
        {
          ...gridAxis(),
          grid: { show: false },
          size: labelWidth(data),
          splits: (drawn) => labelledRows(rowCount, (drawn.height - TIME_AXIS) / rowCount),
          values: (_chart, rows) => rows.map((row) => data.workers[Math.floor(row)]?.label ?? ''),
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(drawn) => drawBars(drawn, bars)],
        setCursor: [(moved) => pointAt(moved, { bars, tooltip, frame, rowCount })],
      },
    },
    [
      [whole.fromMs, whole.toMs],
      [null, null],
    ],
    frame,
  )
  const zoom = (span = whole): void => chart.setScale('x', { min: span.fromMs, max: span.toMs })
  frame.addEventListener('keydown', (event) => onKey(event, chart, { whole, zoom }))
  frame.addEventListener('pointerleave', () => tooltip.hide())
  onChartResize(frame, (width) => {
    const isOnPaper = matchMedia('print').matches
    chart.setSize({ width, height: isOnPaper ? Math.min(height, HEIGHT_ON_PAPER) : height })
  })
  return { zoom }
}

/** All of the time, with a little room at its end. */
function wholeOf({ fromMs, toMs }: TimelineData): { fromMs: number; toMs: number } {
  return { fromMs, toMs: toMs + Math.max((toMs - fromMs) * 0.005, SPAN_MS_MIN) }
}

function labelWidth({ workers }: TimelineData): number {
  const longest = workers.reduce((length, { label }) => Math.max(length, label.length), 0)
  return Math.min(Math.max(longest * 7 + 24, 60), 260)
}

/** The rows that have a name beside them: as many as can be read. */
function labelledRows(rowCount: number, rowHeight: number): number[] {
  const step = Math.max(1, Math.ceil(14 / rowHeight))
  const rows: number[] = []
  for (let row = 0; row < rowCount; row += step) rows.push(row + 0.5)
  return rows
}

/** Times of day, as fine as the step between them; the date stands below the first, and below each that begins a day. */
function timeLabels(times: readonly number[], stepMs: number): string[] {
  let lastDay = ''
  return times.map((timeMs) => {
    const time = new Date(Math.round(timeMs))
    const twoDigits = (value: number): string => String(value).padStart(2, '0')
    const day = `${time.getFullYear()}-${twoDigits(time.getMonth() + 1)}-${twoDigits(time.getDate())}`
    const parts = [twoDigits(time.getHours()), twoDigits(time.getMinutes())]
    if (stepMs < 60_000) parts.push(twoDigits(time.getSeconds()))
    const fraction = stepMs < 1000 ? `.${String(time.getMilliseconds()).padStart(3, '0')}` : ''
    const text =
      stepMs >= 86_400_000 ? day : `${parts.join(':')}${fraction}${day === lastDay ? '' : `\n${day}`}`
    lastDay = day
    return text
  })
}

function drawBars(chart: uPlot, bars: TimelineBars): void {
  const { left, top, width, height } = chart.bbox
  const { min = 0, max = 1 } = chart.scales.x ?? {}
  const context = chart.ctx
  context.save()
  context.beginPath()
  context.rect(left, top, width, height)
  context.clip()
  const colours = new Map(Object.entries(ENDING_COLOURS).map(([kind, name]) => [kind, colour(name)]))
  const place = { fromMs: min ?? 0, toMs: max ?? 1, left, top, width, height }
  bars.draw(context, place, (kind) => colours.get(kind) ?? '')
  context.restore()
}

function pointAt(
  chart: uPlot,
  on: { bars: TimelineBars; tooltip: Tooltip; frame: HTMLElement; rowCount: number },
): void {
  const { bars, tooltip, frame, rowCount } = on
  const { left = -1, top = -1 } = chart.cursor
  const worker = Math.min(rowCount - 1, Math.floor((top / chart.over.clientHeight) * rowCount))
  const found =
    left < 0 || top < 0
      ? []
      : bars.find(worker, chart.posToVal(left - REACH, 'x'), chart.posToVal(left + REACH, 'x'))
  const index = found.at(-1)
  if (index === undefined) {
    tooltip.hide()
    return
  }
  const x = left + chart.over.offsetLeft - frame.scrollLeft
  const y = top + chart.over.offsetTop - frame.scrollTop
  tooltip.show(x, y, tooltipLines(bars.attempt(index), found.length - 1))
}

function tooltipLines(attempt: ShownAttempt, moreCount: number): (string | Node)[] {
  const { name, worker, ending, startMs, durationMs } = attempt
  const started = new Date(startMs).toLocaleString()
  return [
    element('strong', {}, name),
    `${ending}, ${durationText(durationMs)}`,
    element('span', { class: 'muted' }, `${worker}, started ${started}`),
    ...(moreCount > 0
      ? [element('span', { class: 'muted' }, `and ${moreCount} more here: zoom in to tell them apart`)]
      : []),
  ]
}

function onKey(
  event: KeyboardEvent,
  chart: uPlot,
  { whole, zoom }: { whole: { fromMs: number; toMs: number }; zoom: Timeline['zoom'] },
): void {
  const fromMs = chart.scales.x?.min ?? whole.fromMs
  const toMs = chart.scales.x?.max ?? whole.toMs
  const span = toMs - fromMs
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    '+': [span / 4, -span / 4],
    '=': [span / 4, -span / 4],
    '-': [-span / 2, span / 2],
    ArrowLeft: [-span / 4, -span / 4],
    ArrowRight: [span / 4, span / 4],
    '0': [whole.fromMs - fromMs, whole.toMs - toMs],
  }
  const move = moves[event.key]
  if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  const width = Math.min(span + move[1] - move[0], whole.toMs - whole.fromMs)
  const from = Math.min(Math.max(fromMs + move[0], whole.fromMs), whole.toMs - width)
  zoom({ fromMs: from, toMs: from + width })
}
