/** Draws growth: a chart per work, both scales logarithmic, as one SVG that light and dark pages can show. */

const WIDTH = 520
const HEIGHT = 360
const MARGIN = { left: 52, right: 122, top: 44, bottom: 40 }
const LABEL_HEIGHT = 14
const COLORS = ['#c2410c', '#15803d', '#7e22ce', '#be185d', '#a16207', '#0f766e', '#4d7c0f', '#6b7280']

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px }
  .tick { fill: #57606a }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 1.5 }
  .ours { stroke: #0550ae; stroke-width: 3 }
  .ours-mark { fill: #0550ae }
  .ours-text { fill: #0550ae; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .tick { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .ours { stroke: #58a6ff }
    .ours-mark { fill: #58a6ff }
    .ours-text { fill: #58a6ff }
    .other { filter: brightness(1.5) }
  }`

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const decades = (low, high) =>
  Array.from({ length: Math.round(high - low) + 1 }, (_, index) => 10 ** (Math.round(low) + index))

/** A scale from numbers to places, logarithmic, over whole decades. */
function scaleOf(numbers, from, to) {
  const low = Math.floor(Math.log10(Math.min(...numbers)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...numbers))))
  const at = (number) => from + ((Math.log10(number) - low) / (high - low)) * (to - from)
  return { at, ticks: decades(low, high) }
}

/** Moves labels apart that would cover each other. */
function spreadLabels(labels) {
  const sorted = labels.toSorted((one, other) => one.y - other.y)
  for (const [index, label] of sorted.entries()) {
    const above = sorted[index - 1]
    if (above !== undefined) label.y = Math.max(label.y, above.y + LABEL_HEIGHT)
  }
  const bottom = HEIGHT - MARGIN.bottom
  for (const [index, label] of sorted.toReversed().entries()) {
    const below = sorted[sorted.length - index]
    label.y = Math.min(label.y, (below?.y ?? bottom + LABEL_HEIGHT) - LABEL_HEIGHT)
  }
  return sorted
}

function tickText(number) {
  return number >= 1 ? number.toLocaleString('en-US') : String(Number(number.toPrecision(1)))
}

function drawGrid(x, y) {
  const [left, right] = [MARGIN.left, WIDTH - MARGIN.right]
  const [top, bottom] = [MARGIN.top, HEIGHT - MARGIN.bottom]
  return [
    ...y.ticks.map((tick) => {
      const at = y.at(tick).toFixed(1)
      return `<path class="grid" d="M${left} ${at}H${right}"/><text class="tick" x="${left - 6}" y="${at}" dy="4" text-anchor="end">${tickText(tick)}</text>`
    }),
    ...x.ticks.map((tick) => {
      const at = x.at(tick).toFixed(1)
      return `<path class="grid" d="M${at} ${top}V${bottom}"/><text class="tick" x="${at}" y="${bottom + 16}" text-anchor="middle">${tickText(tick)}</text>`
    }),
    `<text class="tick" x="${right}" y="${bottom + 33}" text-anchor="end">tasks</text>`,
    `<text class="tick" x="8" y="${top - 10}">seconds</text>`,
  ]
}

function drawSeries({ points, isOurs, color }, x, y) {
  const places = points.map(({ tasks, seconds }) => [x.at(tasks).toFixed(1), y.at(seconds).toFixed(1)])
  const [lineClass, markClass] = isOurs ? ['line ours', 'ours-mark'] : ['line other', 'other']
  const paint = (property) => (isOurs ? '' : ` ${property}="${color}"`)
  return [
    `<path class="${lineClass}"${paint('stroke')} d="M${places.map((place) => place.join(' ')).join('L')}"/>`,
    ...places.map(([px, py]) => `<circle class="${markClass}"${paint('fill')} cx="${px}" cy="${py}" r="3"/>`),
  ]
}

function drawPanel({ title, series }, colorOf) {
  const drawn = series.filter(({ points }) => points.length > 0)
  const points = drawn.flatMap((one) => one.points)
  const heading = `<text class="title" x="8" y="18">${escaped(title)}</text>`
  if (points.length === 0) return heading
  const x = scaleOf(
    points.map(({ tasks }) => tasks),
    MARGIN.left,
    WIDTH - MARGIN.right,
  )
  const y = scaleOf(
    points.map(({ seconds }) => seconds),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  )
  const colored = drawn.map((one) => ({ ...one, color: colorOf.get(one.who) }))
  const labels = colored.map((one) => {
    const last = one.points.at(-1)
    return { ...one, x: x.at(last.tasks) + 7, y: y.at(last.seconds) + 4 }
  })
  const label = (one) => {
    const paint = one.isOurs ? 'class="ours-text"' : `class="other" style="fill:${one.color}"`
    return `<text ${paint} x="${one.x.toFixed(1)}" y="${one.y.toFixed(1)}">${escaped(one.who)}</text>`
  }
  // Ours is drawn last, above the others.
  const order = colored.toSorted((one, other) => Number(one.isOurs) - Number(other.isOurs))
  const lines = order.flatMap((one) => drawSeries(one, x, y))
  return [heading, ...drawGrid(x, y), ...lines, ...spreadLabels(labels).map(label)].join('\n')
}

/** The picture of what `growth.mjs` found. */
export function drawGrowth({ panels }) {
  const columns = 2
  const rows = Math.ceil(panels.length / columns)
  const others = panels.flatMap(({ series }) => series.filter(({ isOurs }) => !isOurs).map(({ who }) => who))
  // The same program has the same color in all charts.
  const colorOf = new Map([...new Set(others)].map((who, index) => [who, COLORS[index % COLORS.length]]))
  const placed = panels.map((panel, index) => {
    const [left, top] = [(index % columns) * WIDTH, Math.floor(index / columns) * HEIGHT]
    return `<g transform="translate(${left} ${top})">\n${drawPanel(panel, colorOf)}\n</g>`
  })
  const [width, height] = [columns * WIDTH, rows * HEIGHT]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Seconds against the number of tasks, for mpibatch and others</title>
<style>${STYLE}
</style>
${placed.join('\n')}
</svg>
`
}
