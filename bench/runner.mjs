/**
 * Commands per second of the command runner alone: `true` with its two log files, no states.
 *
 * With and without the parent-death signal, by number of slots; alternating rounds, medians. `--json` prints one object.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NodeCommandRunner } from '../packages/cli/dist/command/node-command-runner.js'
import { median, printTable } from './report.mjs'

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const commandCount = Number(values.commands)
const environment = { PATH: process.env.PATH ?? '' }
const cases = [1, 2, 4, 8].flatMap((slots) =>
  [true, false].map((parentDeathSignal) => ({ slots, parentDeathSignal, rates: [] })),
)

/** Runs all commands in so many slots, and returns how many a second. */
async function measure({ slots, parentDeathSignal }) {
  const root = mkdtempSync(join(tmpdir(), 'mpibatch-bench-'))
  const runner = new NodeCommandRunner({ parentDeathSignal })
  let next = 0
  const start = performance.now()
  const slot = async () => {
    for (let index = next++; index < commandCount; index = next++) {
      const directory = join(root, String(index))
      mkdirSync(directory)
      const paths = { stdoutPath: join(directory, 'stdout'), stderrPath: join(directory, 'stderr') }
      const result = await runner.run({ argv: ['true'], directory, environment, ...paths })
      if (result.reason !== 'done') throw new Error(`A command failed: ${result.message}`)
    }
  }
  await Promise.all(Array.from({ length: slots }, slot))
  const seconds = (performance.now() - start) / 1000
  rmSync(root, { recursive: true })
  return commandCount / seconds
}

// The first round also finds out about setpriv and fills caches; it doesn't count.
await measure({ slots: 2, parentDeathSignal: true })
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const one of cases) one.rates.push(await measure(one))
}
const rows = cases.map(({ slots, parentDeathSignal, rates }) => ({
  slots,
  parentDeathSignal,
  commandsPerSecond: Math.round(median(rates)),
}))
if (values.json) console.log(JSON.stringify({ benchmark: 'runner', commandCount, rows }))
else printTable(['slots', 'parent-death signal', 'commands/s'], rows.map(Object.values))
