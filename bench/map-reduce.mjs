/**
 * What `MapReduce.map` costs: items per second of work that does nothing, on ranks that are threads, or
 * MPI processes (`--launcher 'mpirun -n 2'`): with the default chunk, with chunks of one item, and with an ordered section each.
 *
 * Needs the build. `--json` prints one object.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, printTable } from './report.mjs'

const MPIBATCH = join(import.meta.dirname, '../packages/cli/bin/mpibatch.mjs')
const PROGRAM = join(import.meta.dirname, 'map-reduce/rates.mjs')

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    launcher: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

function measure() {
  const words = values.launcher?.split(' ') ?? []
  const run = [
    ...words,
    process.execPath,
    MPIBATCH,
    'run',
    ...(words.length > 0 ? [] : ['-j', values.ranks]),
    PROGRAM,
  ]
  const [program, ...argv] = run
  const ended = spawnSync(program, argv, { encoding: 'utf8' })
  const line = ended.stdout?.split('\n').find((text) => text.startsWith('{'))
  if (ended.status !== 0 || line === undefined) {
    throw new Error(`${run.join(' ')} ended with ${ended.status}: ${ended.error ?? ended.stderr}`)
  }
  return JSON.parse(line)
}

const rounds = Array.from({ length: Number(values.rounds) }, measure)
const rates = Object.fromEntries(
  Object.keys(rounds[0]).map((way) => [way, Math.round(median(rounds.map((round) => round[way])))]),
)
if (values.json) console.log(JSON.stringify(rates))
else printTable(['way', 'items/s'], Object.entries(rates))
