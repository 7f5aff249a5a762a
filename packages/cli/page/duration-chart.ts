import type { DurationDistribution } from '#src/report/report-data'
import { chartWidth, gridAxis, onChartResize } from './chart.ts'
import { durationText } from './duration-text.ts'
import { colour } from './theme.ts'
import { Tooltip } from './tooltip.ts'

const HEIGHT = 250
const SECOND = 1000
const HOUR = 3600 * SECOND
/** Steps between the marks of an axis, milliseconds, such as a person would choose. */
const STEPS_MS = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800].map((seconds) => seconds * SECOND),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 240, 720].map((hours) => hours * HOUR),
]

/** Draws how many attempts took how long, with the median and the 95th percentile. */
export function drawDurations(place: HTMLElement, data: DurationDistribution): void {
  const toAxis = data.isLogarithmic ? (ms: number): number => Math.log10(Math.max(ms, 1e-3)) : Number
  const edges = data.edgesMs.map(toAxis)
  const [first = 0, last = 1] = [edges[0], edges.at(-1)]
  const centres = edges.slice(1).map((edge, bin) => (edge + (edges[bin] ?? edge)) / 2)
  const totals = data.doneCounts.map((count, bin) => count + (data.otherCounts[bin] ?? 0))
  const most = Math.max(...totals, 1)
  const tooltip = new Tooltip(place)
  const bars = (name: string): uPlot.Series => ({
    fill: () => colour(name),
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars?.({ size: [1, Infinity], gap: 1 }) ?? (() => null),
  })
  const chart = new uPlot(
    {
      width: chartWidth(place),
      height: HEIGHT,
      padding: [22, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: {
        x: { time: false, range: [first, last] },
        y: { range: [0, most * 1.04] },
      },
      axes: [
        {
          ...gridAxis(),
          size: 34,
          ...(data.isLogarithmic ? { splits: () => decades(first, last) } : { incrs: STEPS_MS, space: 90 }),
          values: (_chart, marks) =>
            marks.map((mark) => durationText(data.isLogarithmic ? 10 ** mark : mark)),
        },
        { ...gridAxis(), size: 64, values: (_chart, marks) => marks.map((mark) => wholeNumber(mark)) },
      ],
      // What failed stands on top of what is done: the whole first, then what is done over it.
      series: [{}, bars('--state-failed'), bars('--state-done')],
      hooks: {
        draw: [(drawn) => drawMarks(drawn, data, toAxis)],
        setCursor: [(moved) => pointAt(moved, data, tooltip)],
      },
    },
    [centres, totals, [...data.doneCounts]],
    place,
  )
  place.addEventListener('pointerleave', () => tooltip.hide())
  onChartResize(place, (width) => chart.setSize({ width, height: HEIGHT }))
}

/** 1, 2 and 5 of each decade; where there are many, 1 alone. */
function decades(first: number, last: number): number[] {
  const leading = last - first > 4 ? [1] : last - first > 2.2 ? [1, 3] : [1, 2, 5]
  const marks: number[] = []
  for (let decade = Math.floor(first); decade <= last; decade += 1)
    for (const digit of leading) marks.push(decade + Math.log10(digit))
  return marks.filter((mark) => mark >= first && mark <= last)
}

function wholeNumber(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : ''
}

function drawMarks(chart: uPlot, data: DurationDistribution, toAxis: (ms: number) => number): void {
  const { ctx: context, bbox } = chart
  const ratio = devicePixelRatio
  context.save()
  context.font = `${12 * ratio}px system-ui, sans-serif`
  context.textBaseline = 'bottom'
  context.lineWidth = ratio
  context.setLineDash([4 * ratio, 3 * ratio])
  context.strokeStyle = colour('--text')
  context.fillStyle = colour('--text')
  const marks = [
    { text: `median ${durationText(data.medianMs)}`, ms: data.medianMs },
    { text: `95 % ${durationText(data.p95Ms)}`, ms: data.p95Ms },
  ]
  const places = marks.map(({ text, ms }) => {
    const x = Math.round(chart.valToPos(toAxis(ms), 'x', true)) + 0.5
    return { text, x, width: context.measureText(text).width }
  })
  const [median, high] = places
  if (median === undefined || high === undefined) return
  for (const { x } of places) {
    context.beginPath()
    context.moveTo(x, bbox.top)
    context.lineTo(x, bbox.top + bbox.height)
    context.stroke()
  }
  const room = bbox.left + bbox.width
  const highAt = Math.min(high.x, room - high.width)
  // The names stand side by side where the lines stand too close for both.
  const medianAt = Math.max(bbox.left, Math.min(median.x, highAt - median.width - 12 * ratio))
  context.fillText(median.text, medianAt, bbox.top - 4 * ratio)
  context.fillText(high.text, Math.max(highAt, medianAt + median.width + 12 * ratio), bbox.top - 4 * ratio)
  context.restore()
}

function pointAt(chart: uPlot, data: DurationDistribution, tooltip: Tooltip): void {
  const { idx: bin, left = -1, top = 0 } = chart.cursor
  if (bin === null || bin === undefined || left < 0) {
    tooltip.hide()
    return
  }
  const [from, to] = [data.edgesMs[bin] ?? 0, data.edgesMs[bin + 1] ?? 0]
  const [done, other] = [data.doneCounts[bin] ?? 0, data.otherCounts[bin] ?? 0]
  tooltip.show(left + chart.over.offsetLeft, top + chart.over.offsetTop, [
    `${durationText(from)} to ${durationText(to)}`,
    `${done.toLocaleString('en')} done, ${other.toLocaleString('en')} failed`,
  ])
}
