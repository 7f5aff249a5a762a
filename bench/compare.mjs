/**
 * Takes turns between what a row compares, and says what came of it.
 *
 * A way is one thing that is measured: `who`, `unit`, and `run`, which gives a figure. One that can't
 * be measured here has `missing`, a sentence that says why, instead of `run`. A want is a bound on a way's figure, or on
 * the ratio of two: `of: [dividend, divisor]`; `extremesOf` is the ratio of the largest to the smallest of several.
 */
import { median, printTable, short } from './report.mjs'

/** Measures every way once, then every way again, so that all see the same machine. One that fails is left out from then on. */
export async function takeTurns(ways, rounds) {
  for (const way of ways) way.samples = []
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) {
      // What takes minutes may ask for fewer rounds than the others.
      if (way.missing !== undefined || round >= (way.rounds ?? rounds)) continue
      try {
        way.samples.push(await way.run())
      } catch (error) {
        Object.assign(way, { missing: `it failed. ${error.message}`, hasFailed: true })
      }
    }
  }
}

const rounded = (number) => Number(number.toPrecision(4))

function spreadOf(samples) {
  return { low: rounded(Math.min(...samples)), high: rounded(Math.max(...samples)) }
}

function figureOf({ who, unit = 's', samples, missing, hasFailed = false }) {
  if (missing !== undefined) return { who, unit, missing, hasFailed }
  return { who, unit, median: rounded(median(samples)), ...spreadOf(samples), count: samples.length }
}

/** The ratios of turns that were taken one after the other; where the ways had different numbers of turns, of their extremes. */
function ratiosOf([dividend, divisor]) {
  if (divisor === undefined) return dividend.samples
  if (dividend.samples.length === divisor.samples.length) {
    return dividend.samples.map((sample, index) => sample / divisor.samples[index])
  }
  const [one, other] = [spreadOf(dividend.samples), spreadOf(divisor.samples)]
  return [one.low / other.high, one.high / other.low]
}

function extremesOf(ways) {
  const sorted = ways.toSorted((one, other) => median(one.samples) - median(other.samples))
  return [sorted.at(-1), sorted[0]]
}

function outcomeOf({ text, extremesOf: ways, of = extremesOf(ways), unit, atLeast, atMost }) {
  const bound = atLeast === undefined ? { atMost } : { atLeast }
  const missing = of.find((way) => way.missing !== undefined)?.missing
  const what = { text, unit: unit ?? (of.length === 2 ? 'x' : of[0].unit), ...bound }
  if (missing !== undefined) return { ...what, missing }
  const [dividend, divisor] = of.map(({ samples }) => median(samples))
  const value = rounded(divisor === undefined ? dividend : dividend / divisor)
  const isReached = atLeast === undefined ? value <= atMost : value >= atLeast
  return { ...what, value, ...spreadOf(ratiosOf(of)), isReached }
}

/** What a row found, as plain data. */
export function resultOf(row, { sizes, ways, wants, notes = [] }) {
  return {
    name: row.name,
    title: row.title,
    sizes,
    figures: ways.map(figureOf),
    wants: wants.map(outcomeOf),
    notes,
  }
}

/** The bound of a want as text. */
export function boundText({ atLeast, atMost, unit }) {
  return atLeast === undefined ? `at most ${short(atMost)} ${unit}` : `at least ${short(atLeast)} ${unit}`
}

/** Whether a want is reached, as a word. */
export function verdict({ missing, isReached }) {
  if (missing !== undefined) return 'not here'
  return isReached ? 'yes' : 'NO'
}

/** Prints what a row found as tables of text. */
export function printResult({ name, title, sizes, figures, wants, notes, error }) {
  const sizeTexts = Object.entries(sizes).map(([size, value]) => `${size} ${value}`)
  console.log(`\n${name}: ${title} (${sizeTexts.join(', ')})\n`)
  if (error !== undefined) {
    console.log(`Failed: ${error}`)
    return
  }
  const ofFigure = ({ who, unit, missing, hasFailed, median: middle, low, high }) =>
    missing === undefined
      ? [who, short(middle), `${short(low)} .. ${short(high)}`, unit]
      : [who, hasFailed ? 'failed' : 'not here', '', '']
  printTable(['', 'median', 'from .. to', ''], figures.map(ofFigure), [0, 3])
  if (wants.length > 0) {
    console.log()
    const ofWant = (want) => [
      want.text,
      want.missing === undefined ? `${short(want.value)} ${want.unit}` : '',
      want.missing === undefined ? `${short(want.low)} .. ${short(want.high)}` : '',
      boundText(want),
      verdict(want),
    ]
    printTable(['', 'is', 'from .. to', 'wanted', 'reached'], wants.map(ofWant), [0, 3])
  }
  const missing = figures.filter((figure) => figure.missing !== undefined)
  const sentences = new Set([...missing.map((figure) => `${figure.who}: ${figure.missing}`), ...notes])
  if (sentences.size > 0) console.log(`\n${[...sentences].join('\n')}`)
}
