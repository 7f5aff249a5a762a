/**
 * What a start costs on a root where everything is DONE: from the journals of the run before, from a snapshot, and by
 * reading every `state` (`rescan`). The root is built by hand, with states that are links to a few files; the index is
 * one that mpibatch made of its journal. Ends with 1 if a start from the snapshot takes more than 2 s per 1,000,000 tasks.
 *
 * `--tasks N`, default 1,000,000; `--json` prints one object.
 */
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { STATE_CODE } from '@mpibatch/batch-core'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { median, printTable } from './report.mjs'

const WANTED_MS_PER_TASK = 2000 / 1_000_000
/** Links to one file; ext4 takes 65,000. */
const LINKS_MAX = 60_000

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const taskCount = Number(values.tasks)
const tasks = Array.from({ length: taskCount }, (_, index) => ({
  name: `task_${String(index + 1).padStart(7, '0')}`,
  fingerprint: 'f',
}))
const root = join(mkdtempSync(join(tmpdir(), 'mpibatch-bench-')), 'root')

/** Opens the store, reads all states, closes it; returns the milliseconds of the reading. */
async function start(options = {}) {
  const store = await createFsStateProvider({ root, ...options }).open(tasks)
  const begin = performance.now()
  const { codes, faults } = await store.load()
  const elapsedMs = performance.now() - begin
  await store.close()
  const doneCount = codes.reduce((count, code) => count + (code === STATE_CODE.DONE ? 1 : 0), 0)
  if (doneCount !== taskCount || faults.length > 0)
    throw new Error(`${doneCount} of ${taskCount} DONE, ${faults.length} faults`)
  return elapsedMs
}

function build() {
  let source = ''
  for (const [index, { name }] of tasks.entries()) {
    mkdirSync(join(root, name), { recursive: true })
    if (index % LINKS_MAX === 0) {
      source = join(root, name, 'state')
      writeFileSync(source, 'DONE\n')
    } else linkSync(source, join(root, name, 'state'))
  }
  const instance = join(root, '.mpibatch', 'i', '0123456789abcdef')
  mkdirSync(instance, { recursive: true })
  const lines = tasks.map(({ name }) => {
    const line = `D 2 ${name}`
    return `${line} ${crc32(line).toString(16).padStart(8, '0')}\n`
  })
  writeFileSync(join(instance, 'journal.0'), lines.join(''))
}

try {
  build()
  const fromJournalsMs = await start()
  const snapshots = readdirSync(join(root, '.mpibatch', 'snap'))
  if (snapshots.length !== 1) throw new Error('No snapshot was written')
  const snapshotSize = statSync(join(root, '.mpibatch', 'snap', snapshots[0])).size
  const rounds = { snapshot: [], rescan: [] }
  for (let round = 0; round < Number(values.rounds); round += 1) {
    rounds.snapshot.push(await start())
    rounds.rescan.push(await start({ rescan: true }))
  }
  const milliseconds = {
    fromJournals: Math.round(fromJournalsMs),
    fromSnapshot: Math.round(median(rounds.snapshot)),
    rescan: Math.round(median(rounds.rescan)),
  }
  const isFast = milliseconds.fromSnapshot <= taskCount * WANTED_MS_PER_TASK
  const memory = process.memoryUsage.rss()
  if (values.json)
    console.log(JSON.stringify({ benchmark: 'index', taskCount, milliseconds, snapshotSize, memory, isFast }))
  else {
    printTable(
      ['start from', 'ms'],
      [
        ['the journals, with writing a snapshot', milliseconds.fromJournals],
        ['a snapshot', milliseconds.fromSnapshot],
        ['all state files', milliseconds.rescan],
      ],
    )
    console.log(
      `\n${taskCount} tasks, snapshot of ${(snapshotSize / 1e6).toFixed(1)} MB: ${isFast ? 'fast' : 'NOT FAST'}`,
    )
  }
  process.exitCode = isFast ? 0 : 1
} finally {
  rmSync(join(root, '..'), { recursive: true, force: true })
}
