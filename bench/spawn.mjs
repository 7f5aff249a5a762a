/**
 * `true` as a command, a few thousand times, with states and log files: `mpibatch run` beside GNU parallel, which
 * keeps `--results` and a `--joblog`. Rounds alternate, so that both see the same machine; medians and their ratio.
 *
 * GNU parallel syncs nothing to disk, so mpibatch runs both as it does by default and with `--durability none`.
 *
 * Needs the build. Without GNU parallel it says so and measures mpibatch alone. `--json` prints one object.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, printTable } from './report.mjs'

const PROGRAM = join(import.meta.dirname, '../packages/cli/bin/mpibatch.mjs')
/** Ratio to GNU parallel that is to be reached. */
const RATIO_MIN = 3

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '2000' },
    jobs: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const commandCount = Number(values.commands)

/** Runs a program to its end in an empty directory, lets `check` look at what it left, and returns the seconds. */
function time(words, input, check) {
  const directory = mkdtempSync(join(tmpdir(), 'mpibatch-bench-'))
  try {
    const [program, ...args] = words(directory)
    const start = performance.now()
    const ended = spawnSync(program, args, {
      cwd: directory,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const seconds = (performance.now() - start) / 1000
    if (ended.status !== 0)
      throw new Error(`${program} ended with ${ended.status}: ${ended.error ?? ended.stderr}`)
    const found = check(directory)
    if (found !== commandCount) throw new Error(`${program} ran ${found} of ${commandCount} commands`)
    return seconds
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function timeMpibatch(durability) {
  const words = () => [
    process.execPath,
    ...[PROGRAM, 'run', '-j', values.jobs, '--array', `1-${commandCount}`],
    ...['--root', 'out', '--durability', durability, '--progress', 'none', '--', 'true'],
  ]
  return time(words, '', (directory) => {
    const tasks = readdirSync(join(directory, 'out'), { withFileTypes: true }).filter(
      ({ name }) => name[0] !== '.',
    )
    return tasks.filter(({ name }) => {
      const files = readdirSync(join(directory, 'out', name))
      const isDone = readFileSync(join(directory, 'out', name, 'state'), 'latin1').startsWith('DONE')
      return isDone && files.includes('stdout') && files.includes('stderr')
    }).length
  })
}

function timeParallel() {
  const input = Array.from({ length: commandCount }, (_, index) => `${index + 1}\n`).join('')
  const words = () => ['parallel', '-j', values.jobs, '--results', 'results', '--joblog', 'joblog', 'true']
  return time(words, input, (directory) => {
    const lines = readFileSync(join(directory, 'joblog'), 'utf8').trimEnd().split('\n').slice(1)
    return lines.filter((line) => line.split('\t')[6] === '0').length
  })
}

const parallelVersion = /GNU parallel \S+/.exec(
  spawnSync('parallel', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)?.[0]
if (parallelVersion === undefined) {
  console.error('GNU parallel is not installed (apt-get install parallel), so mpibatch is measured alone.')
}
const programs = [
  { program: 'mpibatch', time: () => timeMpibatch('terminal'), seconds: [] },
  { program: 'mpibatch --durability none', time: () => timeMpibatch('none'), seconds: [] },
  ...(parallelVersion === undefined ? [] : [{ program: parallelVersion, time: timeParallel, seconds: [] }]),
]
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const one of programs) one.seconds.push(one.time())
}

const rows = programs.map(({ program, seconds }) => ({
  program,
  seconds: Number(median(seconds).toFixed(2)),
  commandsPerSecond: Math.round(commandCount / median(seconds)),
}))
const [synced, unsynced, theirs] = programs.map(({ seconds }) => median(seconds))
const ratioTo = (ours) => Number((theirs / ours).toFixed(2))
const ratios = theirs === undefined ? undefined : { synced: ratioTo(synced), unsynced: ratioTo(unsynced) }
if (values.json) {
  const result = {
    benchmark: 'spawn',
    commandCount,
    jobs: Number(values.jobs),
    rows,
    ratios,
    ratioMin: RATIO_MIN,
  }
  console.log(JSON.stringify(result))
} else {
  printTable(
    ['program', 'seconds', 'commands/s'],
    rows.map((row) => Object.values(row)),
  )
  if (ratios !== undefined) {
    console.log(
      `\nGNU parallel's time is ${ratios.synced} times ours, ${ratios.unsynced} times without syncing; ` +
        `${RATIO_MIN} times is wanted`,
    )
  }
}
