/**
 * Seconds against the number of tasks, for ours and the others: 1,000, 10,000, 100,000 and 1,000,000, as far as each gets.
 * A series ends where its next point would take longer than `--limit` seconds, going by those before; ours may be given more
 * with `--ours-limit`.
 *
 * Prints the times and how they grow: seconds ~ tasks ^ exponent. `--up-to N` ends earlier, `--json` prints one object, `--write` makes
 * growth.json, growth.svg and RESULTS.md anew, `--alone` leaves the peers out, `--panel TEXT` measures only works whose title has
 * the text; with `--write` the others stay as they were. Uses memory for its files (/dev/shm) unless TMPDIR is set.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { removeDirectories } from './directories.mjs'
import { growthPanels } from './growth-series.mjs'
import { machineFacts } from './machine.mjs'
import { findPeers } from './peers/peers.mjs'
import { drawGrowth } from './picture.mjs'
import { median, printTable, short } from './report.mjs'
import { writeResults } from './results.mjs'

const COUNTS = [1_000, 10_000, 100_000, 1_000_000]
/** Points that are quick are measured more often. */
const QUICK_SECONDS = 2
const QUICK_ROUNDS = 3
/** What a point may take beyond the limit before it is ended. */
const PATIENCE = 2

const { values } = parseArgs({
  options: {
    'up-to': { type: 'string', default: '1000000' },
    limit: { type: 'string', default: '150' },
    'ours-limit': { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    panel: { type: 'string', default: '' },
  },
})
const [upTo, limitSeconds, oursLimitSeconds] = [
  values['up-to'],
  values.limit,
  values['ours-limit'] ?? values.limit,
].map(Number)
if (!(upTo >= 1 && limitSeconds > 0 && oursLimitSeconds > 0)) {
  console.error('--up-to, --limit and --ours-limit must be numbers above 0.')
  process.exit(2)
}
const counts = COUNTS.filter((count) => count <= upTo)
if (counts.length === 0) counts.push(upTo)
const environment = process.env
if (existsSync('/dev/shm')) environment.TMPDIR ??= '/dev/shm'

/** Seconds that the next point will take, by how the last two grew, or is known to grow; linearly, at least. */
function expectedSeconds({ points, growth = 1 }, count) {
  const last = points.at(-1)
  if (last === undefined) return 0
  return last.seconds * (count / last.tasks) ** Math.max(growth, slopeOf(points.slice(-2)) ?? 1)
}

/** Exponent of the power of the number of tasks that the seconds follow: least squares over logarithms. */
function slopeOf(points) {
  if (points.length < 2) return undefined
  const logs = points.map(({ tasks, seconds }) => [Math.log(tasks), Math.log(seconds)])
  const mean = (column) => logs.reduce((sum, pair) => sum + pair[column], 0) / logs.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

async function measurePoint(run) {
  const samples = [await run()]
  while (samples[0] < QUICK_SECONDS && samples.length < QUICK_ROUNDS) samples.push(await run())
  return median(samples)
}

function prepare(panel, count, climbing) {
  try {
    panel.prepare?.(count, climbing)
  } catch (error) {
    for (const series of climbing) series.ends = `${count.toLocaleString('en-US')} tasks: ${error.message}`
  }
}

function limitOf({ isOurs = false }) {
  return isOurs ? oursLimitSeconds : limitSeconds
}

async function climb(panel, series, count) {
  if (series.ends !== undefined) return
  const expected = expectedSeconds(series, count)
  const limit = limitOf(series)
  if (expected > limit) {
    series.ends = `${count.toLocaleString('en-US')} tasks would take about ${short(expected)} s`
    return
  }
  try {
    const seconds = await measurePoint(panel.start(series, count, 1000 * limit * PATIENCE))
    series.points.push({ tasks: count, seconds: Number(seconds.toPrecision(4)) })
    console.error(`${panel.title}: ${series.who}, ${count} tasks: ${short(seconds)} s`)
  } catch (error) {
    series.ends = `${count.toLocaleString('en-US')} tasks failed. ${error.message}`
  }
}

/** What is written there, with the panels that were measured now in their places. */
function withOthersOf(path) {
  const before = JSON.parse(readFileSync(path, 'utf8'))
  const measured = new Map(found.map((panel) => [panel.title, panel]))
  return { ...before, panels: before.panels.map((panel) => measured.get(panel.title) ?? panel) }
}

const peers = findPeers({ isAlone: values.alone })
const facts = machineFacts(peers)
const panels = growthPanels(peers).filter(({ title }) => title.includes(values.panel))
if (panels.length === 0) {
  console.error(`No work has ${JSON.stringify(values.panel)} in its title.`)
  process.exit(2)
}
for (const panel of panels) {
  for (const series of panel.series) series.points = []
  for (const count of counts) {
    const isClimbing = (series) =>
      series.ends === undefined && expectedSeconds(series, count) <= limitOf(series)
    if (!panel.series.some(isClimbing)) continue
    prepare(panel, count, panel.series.filter(isClimbing))
    for (const series of panel.series) {
      await climb(panel, series, count)
      // Never two roots of a million tasks at a time, but where all look at one.
      if (panel.prepare === undefined) removeDirectories()
    }
    removeDirectories()
  }
}

const found = panels.map(({ title, series }) => ({
  title,
  series: series.map(({ who, isOurs = false, points, ends }) => ({
    who,
    isOurs,
    points,
    ...(ends === undefined ? {} : { ends }),
    exponent: slopeOf(points),
    lastExponent: slopeOf(points.slice(-2)),
  })),
}))
const report = { ...facts, counts, panels: found }
if (values.json) console.log(JSON.stringify(report))
else {
  const exponent = (number) => (number === undefined ? '' : number.toFixed(2))
  for (const { title, series } of found) {
    console.log(`\n${title}\n`)
    const rows = series.map((one) => [
      one.who,
      ...counts.map((count) => {
        const point = one.points.find(({ tasks }) => tasks === count)
        return point === undefined ? '' : short(point.seconds)
      }),
      exponent(one.exponent),
      exponent(one.lastExponent),
      one.ends ?? '',
    ])
    const headings = [
      'seconds',
      ...counts.map((count) => count.toLocaleString('en-US')),
      'exponent',
      'at the end',
      '',
    ]
    printTable(headings, rows, [0, headings.length - 1])
  }
}
if (values.write) {
  const path = join(import.meta.dirname, 'growth.json')
  const whole = values.panel === '' || !existsSync(path) ? report : withOthersOf(path)
  writeFileSync(path, `${JSON.stringify(whole, undefined, 2)}\n`)
  writeFileSync(join(import.meta.dirname, 'growth.svg'), drawGrowth(whole))
  writeResults()
}
