/**
 * Runs the benchmarks: those that are named, or all. Each takes turns between ours and what it is measured beside.
 *
 * `--json` prints one object; `--write` makes RESULTS.md and results.json of it, in which rows that were not named stay as an
 * earlier run on the same machine found them; `--alone` leaves the peers out; `--small` takes sizes that
 * only show that everything works. Sizes are set by name, `--rounds 3 --tasks 1000`, in every row that has them.
 * Ends with 1 if something that is wanted is not reached, with 2 if a row could not be measured.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printResult, resultOf, takeTurns } from './compare.mjs'
import { machineFacts } from './machine.mjs'
import { findPeers } from './peers/peers.mjs'
import { writeResults } from './results.mjs'

/** In the order of the results. `index`, `runner` and `map-reduce` bound nothing of other programs, and run by name only. */
const NAMES = [
  'claims',
  'in-process',
  'state-files',
  'commands',
  'short-tasks',
  'rerun',
  'token-lock',
  'busy-rank',
  'memory',
  'start-up',
]
const FLAGS = ['json', 'write', 'alone', 'small']

const rowNames = readdirSync(join(import.meta.dirname, 'rows'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
const rows = new Map()
for (const name of rowNames) rows.set(name, (await import(`./rows/${name}.mjs`)).row)
const sizeNames = new Set([...rows.values()].flatMap(({ sizes }) => Object.keys(sizes)))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...Object.fromEntries([...sizeNames].map((name) => [name, { type: 'string' }])),
    ...Object.fromEntries(FLAGS.map((name) => [name, { type: 'boolean', default: false }])),
  },
})
const unknown = positionals.find((name) => !rows.has(name))
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}". There are: ${rowNames.join(', ')}.`)
  process.exit(2)
}

function sizesOf(row) {
  const sizes = { ...(values.small ? row.small : row.sizes) }
  for (const name of Object.keys(sizes)) {
    if (values[name] === undefined) continue
    const size = Number(values[name])
    if (!Number.isInteger(size) || size < 1) {
      console.error(`--${name} must be a whole number of at least 1, not ${values[name]}.`)
      process.exit(2)
    }
    sizes[name] = size
  }
  return sizes
}

async function measure(row) {
  const sizes = sizesOf(row)
  const start = performance.now()
  try {
    const { ways, wants, notes } = await row.measure(sizes, peers)
    await takeTurns(ways, sizes.rounds)
    const result = resultOf(row, { sizes, ways, wants, notes })
    return { ...result, ...when, seconds: Math.round((performance.now() - start) / 1000) }
  } catch (error) {
    return {
      name: row.name,
      title: row.title,
      sizes,
      figures: [],
      wants: [],
      notes: [],
      ...when,
      error: error.message,
    }
  }
}

const peers = findPeers({ isAlone: values.alone })
const facts = machineFacts(peers)
/** Rows of RESULTS.md may come from several runs. */
const when = { date: facts.date, version: facts.versions.mpibatch }
const results = []
for (const name of positionals.length > 0 ? positionals : NAMES) {
  const result = await measure(rows.get(name))
  results.push(result)
  if (!values.json) printResult(result)
}
const report = { ...facts, rows: results }
if (values.json) console.log(JSON.stringify(report))
if (values.write) writeResults(report, NAMES)
const wants = results.flatMap((result) => result.wants)
const isEveryReached = wants.every(({ missing, isReached }) => missing !== undefined || isReached)
const isEveryMeasured = results.every(
  ({ error, figures }) => error === undefined && !figures.some(({ hasFailed }) => hasFailed),
)
process.exitCode = isEveryMeasured ? (isEveryReached ? 0 : 1) : 2
