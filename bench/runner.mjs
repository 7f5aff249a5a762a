/**
 * Commands per second of the command runner alone: `true` with its two log files, no states; and how long each start
 * blocks the thread. Started by the addon's vfork and by Node's own fork, by number of slots and by the size of this
 * process, beside the C program that shows what the machine can do; alternating, medians. `--json` prints one object.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCommandRunner } from '../packages/cli/dist/command/local-command-runner.js'
import { openPortableStarter, openProcessStarter } from '../packages/cli/dist/command/open-process-starter.js'
import { buildLimit } from './limits/build.mjs'
import { median, printTable } from './report.mjs'

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    slots: { type: 'string', default: '1,2,4,8' },
    // Resident megabytes; what is below the size of Node itself changes nothing.
    memory: { type: 'string', default: '0,350,1500' },
    json: { type: 'boolean', default: false },
  },
})
const numbers = (text) => text.split(',').map(Number)
const commandCount = Number(values.commands)
const environment = { PATH: process.env.PATH ?? '' }
const WAYS = { native: openProcessStarter, portable: openPortableStarter }

/** Makes this process as large as that, and returns what does it. */
function ballast(megabytes) {
  const missing = megabytes * 2 ** 20 - process.memoryUsage.rss()
  return missing > 0 ? Buffer.alloc(missing, 1) : undefined
}

const limit = buildLimit('spawn').path

/** Files are removed at the very end: ext4 looks for space the longer, the more was removed just now. */
const roots = []

function newRoot() {
  roots.push(mkdtempSync(join(tmpdir(), 'mpibatch-bench-')))
  return roots.at(-1)
}

/** The same by the C program, which starts and forgets. */
function measureLimit({ slots, rates }) {
  const words = [String(slots), String(commandCount), newRoot(), 'true']
  const start = performance.now()
  const { status } = spawnSync(limit, words, { env: environment, stdio: 'ignore' })
  if (status !== 0) throw new Error('The C program failed')
  rates.push(commandCount / ((performance.now() - start) / 1000))
}

/** Runs all commands in so many slots, and adds how many a second, and how long starts blocked. */
async function measure({ slots, way, rates, blocks }) {
  if (way === 'C') return measureLimit({ slots, rates })
  const root = newRoot()
  let blockedMs = 0
  const open = async () => {
    const starter = await WAYS[way]()
    return {
      prepare: (start) => {
        const begin = starter.prepare(start)
        return () => {
          const before = performance.now()
          const started = begin()
          blockedMs += performance.now() - before
          return started
        }
      },
    }
  }
  const runner = new LocalCommandRunner({ open })
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
  rates.push(commandCount / ((performance.now() - start) / 1000))
  blocks.push(blockedMs / commandCount)
}

const rows = []
for (const memory of numbers(values.memory)) {
  const held = ballast(memory)
  const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20)
  const cases = numbers(values.slots).flatMap((slots) =>
    [...Object.keys(WAYS), ...(limit === undefined ? [] : ['C'])].map((way) => ({
      megabytes,
      slots,
      way,
      rates: [],
      blocks: [],
    })),
  )
  // The first round also finds out about setpriv and fills caches; it doesn't count.
  for (const way of Object.keys(WAYS)) await measure({ slots: 2, way, rates: [], blocks: [] })
  for (let round = 0; round < Number(values.rounds); round += 1) for (const one of cases) await measure(one)
  for (const { rates, blocks, ...one } of cases) {
    const startMs = blocks.length === 0 ? null : Number(median(blocks).toFixed(3))
    rows.push({ ...one, commandsPerSecond: Math.round(median(rates)), startMs })
  }
  if (held !== undefined && held[0] !== 1) throw new Error('The ballast was lost')
}
for (const root of roots) rmSync(root, { recursive: true })
if (values.json) console.log(JSON.stringify({ benchmark: 'runner', commandCount, rows }))
else printTable(['MB', 'slots', 'way', 'commands/s', 'ms per start'], rows.map(Object.values))
