/** RESULTS.md from the results of a run. */
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

function section({ name, title, sizes, seconds, figures, notes, error }) {
  const sizeTexts = Object.entries(sizes).map(([size, value]) => `${size} ${value.toLocaleString('en-US')}`)
  const cells = (figure) =>
    figure.missing === undefined
      ? [figure.who, short(figure.median), spread(figure), figure.unit, figure.count]
      : [figure.who, figure.hasFailed ? 'failed' : 'not here', '', '', '']
  const parts = [`## ${name}`, `${title}. ${sizeTexts.join(', ')}; took ${seconds} s.`]
  if (error === undefined) parts.push(table(['', 'median', 'from .. to', '', 'times'], figures.map(cells)))
  else parts.push(`Could not be measured: ${error}`)
  const missing = figures.filter((figure) => figure.missing !== undefined)
  const sentences = [...missing.map((figure) => `${figure.who}: ${figure.missing}`), ...notes]
  if (sentences.length > 0) parts.push([...new Set(sentences)].map((text) => `- ${text}`).join('\n'))
  return parts.join('\n\n')
}

/** The whole page. */
export function markdownOf({ date, machine, versions, rows }) {
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
  ].join('\n\n')}\n`
}
