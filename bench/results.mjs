/** RESULTS.md from the results of the last runs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { boundText, verdict } from './compare.mjs'
import { short } from './report.mjs'

const line = (cells) => `| ${cells.join(' | ')} |`

function table(headings, rows) {
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}

function spread({ low, high }) {
  return `${short(low)} .. ${short(high)}`
}

function wantCells(row, want) {
  const is = want.missing === undefined ? [`**${short(want.value)}** ${want.unit}`, spread(want)] : ['', '']
  return [`[${row.name}](#${row.name})`, want.text, ...is, boundText(want), verdict(want)]
}

function section({ name, title, sizes, date, version, seconds, figures, notes, error }) {
  const sizeTexts = Object.entries(sizes).map(([size, value]) => `${size} ${value.toLocaleString('en-US')}`)
  const cells = (figure) =>
    figure.missing === undefined
      ? [figure.who, short(figure.median), spread(figure), figure.unit, figure.count]
      : [figure.who, figure.hasFailed ? 'failed' : 'not here', '', '', '']
  const parts = [
    `## ${name}`,
    `${title}. ${sizeTexts.join(', ')}; ${date} UTC, mpibatch ${version}, took ${seconds} s.`,
  ]
  if (error === undefined) parts.push(table(['', 'median', 'from .. to', '', 'times'], figures.map(cells)))
  else parts.push(`Could not be measured: ${error}`)
  const missing = figures.filter((figure) => figure.missing !== undefined)
  const sentences = [...missing.map((figure) => `${figure.who}: ${figure.missing}`), ...notes]
  if (sentences.length > 0) parts.push([...new Set(sentences)].map((text) => `- ${text}`).join('\n'))
  return parts.join('\n\n')
}

function growthSection({ date, counts, panels }) {
  const cell = (points, count) => {
    const point = points.find(({ tasks }) => tasks === count)
    return point === undefined ? '' : short(point.seconds)
  }
  const exponent = (number) => number?.toFixed(2) ?? ''
  const headings = [
    'seconds',
    ...counts.map((count) => count.toLocaleString('en-US')),
    'exponent',
    'at the end',
    'ends',
  ]
  const panelText = ({ title, series }) => {
    const rows = series.map((one) => [
      one.isOurs ? `**${one.who}**` : one.who,
      ...counts.map((count) => cell(one.points, count)),
      exponent(one.exponent),
      exponent(one.lastExponent),
      one.ends ?? '',
    ])
    return `### ${title}\n\n${table(headings, rows)}`
  }
  return [
    '## growth',
    `Seconds against the number of tasks (\`npm run bench:growth -- --write\`, ${date} UTC). Seconds grow as the number of tasks to the power ` +
      'of the exponent: 1 is linear; below 1, the start of the program still counts. At the end: between the last two points alone.',
    '![Seconds against the number of tasks, both scales logarithmic, for mpibatch and others](growth.svg)',
    ...panels.map(panelText),
  ].join('\n\n')
}

/** The whole page. */
function pageOf({ date, machine, versions, rows }, growth) {
  const wants = rows.flatMap((row) => row.wants.map((want) => wantCells(row, want)))
  const { processor, cores, memoryGib, kernel, directory, fileSystem } = machine
  return `${[
    '# Results of the benchmarks',
    'Made by `npm run bench -- --write`; [README.md](README.md) says what each row compares, and what is unfair about it.',
    `${date} UTC, ${processor}, ${cores} cores, ${memoryGib} GiB, ${kernel}, files on ${fileSystem} (\`${directory}\`).`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    'Ours and the others took turns. Each figure is the median, with the least and the most of all rounds; a ratio is that of ' +
      'the medians, with the least and the most of single rounds.',
    table(['row', 'what', 'is', 'from .. to', 'wanted', 'reached'], wants),
    ...rows.map(section),
    ...(growth === undefined ? [] : [growthSection(growth)]),
  ].join('\n\n')}\n`
}

function readJson(name) {
  const path = join(import.meta.dirname, name)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/**
 * Makes RESULTS.md of what was found, and of growth.json if it is there.
 *
 * @param report - What a run found; rows that it lacks are kept from before, if that was on the same machine.
 *   @defaultValue what results.json holds
 * @param names - The rows in their order.
 */
export function writeResults(report, names = []) {
  const before = readJson('results.json')
  if (report !== undefined) {
    const isSame = JSON.stringify(before?.machine) === JSON.stringify(report.machine)
    const rows = new Map([...(isSame ? before.rows : []), ...report.rows].map((row) => [row.name, row]))
    const place = ({ name }) => (names.includes(name) ? names.indexOf(name) : names.length)
    const merged = { ...report, rows: [...rows.values()].sort((one, other) => place(one) - place(other)) }
    writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(merged, undefined, 2)}\n`)
  }
  const results = readJson('results.json')
  if (results === undefined) return
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), pageOf(results, readJson('growth.json')))
}
