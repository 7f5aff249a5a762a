/**
 * Ranks that all want one lock: how often a second it changes its holder, with our token lock and with pshmem's
 * MPILock, under the same mpirun. Rounds alternate, so that both see the same machine; medians and their ratio.
 *
 * Needs the build, and pshmem with its Open MPI (`node test/pshmem/prepare.mjs`). `--json` prints one object.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, printTable } from './report.mjs'

const PYTHON = join(import.meta.dirname, '../test/pshmem/.venv')
const LIBRARY = join(PYTHON, 'lib/libmpi.so.40')
const PROGRAMS = join(import.meta.dirname, 'token-lock')
/** Ratio to pshmem that is to be reached. */
const RATIO_MIN = 10

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2,4' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const durationMs = Number(values.seconds) * 1000

/** Root may start ranks, there may be more of them than processors, and pshmem's ranks leave the processor when they wait. */
const environment = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_mpi_yield_when_idle: '1',
  MPIBATCH_LIBMPI: LIBRARY,
}

/** Changes of holder per second. */
function measure(ranks, program) {
  const launcher = ['--oversubscribe', '--bind-to', 'none', '-n', String(ranks)]
  const words = [...launcher, ...program, String(durationMs)]
  const ended = spawnSync(join(PYTHON, 'bin/mpirun'), words, { env: environment, encoding: 'utf8' })
  const line = ended.stdout?.split('\n').find((text) => text.startsWith('{'))
  if (ended.status !== 0 || line === undefined) {
    throw new Error(`${words.join(' ')} ended with ${ended.status}: ${ended.error ?? ended.stderr}`)
  }
  const { handoffs, elapsedMs, isExact } = JSON.parse(line)
  if (!isExact) throw new Error(`${words.join(' ')}: two ranks had the lock at once`)
  return (1000 * handoffs) / elapsedMs
}

if (!existsSync(join(PYTHON, 'ready'))) {
  console.error('pshmem is not here. Run "node test/pshmem/prepare.mjs" first.')
  process.exit(1)
}
const ours = [process.execPath, join(PROGRAMS, 'handoffs.mjs')]
const theirs = [join(PYTHON, 'bin/python'), join(PROGRAMS, 'handoffs.py')]
const rows = values.ranks.split(',').map((ranks) => {
  const rates = { ours: [], theirs: [] }
  for (let round = 0; round < Number(values.rounds); round += 1) {
    rates.ours.push(measure(ranks, ours))
    rates.theirs.push(measure(ranks, theirs))
  }
  const [mpibatch, pshmem] = [Math.round(median(rates.ours)), Math.round(median(rates.theirs))]
  return { ranks: Number(ranks), mpibatch, pshmem, ratio: Number((mpibatch / pshmem).toFixed(1)) }
})
if (values.json) {
  console.log(JSON.stringify({ benchmark: 'token-lock', durationMs, rows, ratioMin: RATIO_MIN }))
} else {
  printTable(
    ['ranks', 'mpibatch handoffs/s', 'pshmem handoffs/s', 'ratio'],
    rows.map((row) => Object.values(row)),
  )
  console.log(`\n${RATIO_MIN} times is wanted`)
}
process.exitCode = rows.every(({ ratio }) => ratio >= RATIO_MIN) ? 0 : 1
