/**
 * What a claim costs, by number of tasks, in memory: claim the next task, set it DONE, until none is left.
 *
 * Every size makes the same number of claims in a round, over as many tables as that takes; rounds alternate, medians
 * count. Ends with 1 if the cost isn't flat: the dearest size may cost at most twice the cheapest.
 * `--json` prints one object.
 */
import { parseArgs } from 'node:util'
import { STATE_CODE, TaskTable } from '@mpibatch/batch-core'
import { median, printTable } from './report.mjs'

const TASK_COUNTS = [1_000, 10_000, 100_000, 1_000_000]
const RATIO_MAX = 2
const OWNER = 1

const { values } = parseArgs({
  options: {
    claims: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
})
const claimCount = Number(values.claims)

function openTable(taskCount) {
  const words = new Int32Array(new SharedArrayBuffer(4 * TaskTable.wordCount(taskCount)))
  const table = TaskTable.create(words, taskCount)
  table.fill({ codes: new Uint8Array(taskCount).fill(STATE_CODE.OPEN) })
  return table
}

/** Claims and ends every task of a table; returns the milliseconds that took. */
function drain(table) {
  const start = performance.now()
  let claimed = 0
  for (let index = table.claimNext(OWNER); index !== undefined; index = table.claimNext(OWNER)) {
    table.set(index, { owner: OWNER, state: 'DONE' })
    claimed += 1
  }
  const elapsedMs = performance.now() - start
  if (claimed !== table.taskCount || table.count('DONE') !== claimed) throw new Error('A task was lost')
  return elapsedMs
}

/** Nanoseconds per claim. */
function measure(taskCount) {
  const tableCount = Math.max(1, Math.round(claimCount / taskCount))
  let elapsedMs = 0
  for (let round = 0; round < tableCount; round += 1) elapsedMs += drain(openTable(taskCount))
  return (elapsedMs * 1e6) / (tableCount * taskCount)
}

// Before the compiler has seen the loop, claims cost several times as much; that round doesn't count.
for (const taskCount of TASK_COUNTS) measure(taskCount)
const samples = new Map(TASK_COUNTS.map((taskCount) => [taskCount, []]))
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const [taskCount, costs] of samples) costs.push(measure(taskCount))
}
const rows = [...samples].map(([taskCount, costs]) => ({
  taskCount,
  nanosecondsPerClaim: Math.round(median(costs)),
  claimsPerSecond: Math.round(1e9 / median(costs)),
}))
const costs = rows.map((row) => row.nanosecondsPerClaim)
const ratio = Number((Math.max(...costs) / Math.min(...costs)).toFixed(2))
const isFlat = ratio <= RATIO_MAX

if (values.json)
  console.log(JSON.stringify({ benchmark: 'claims', rows, ratio, ratioMax: RATIO_MAX, isFlat }))
else {
  printTable(
    ['tasks', 'ns per claim', 'claims/s'],
    rows.map((row) => Object.values(row)),
  )
  console.log(`\ndearest to cheapest: ${ratio}, at most ${RATIO_MAX} wanted: ${isFlat ? 'flat' : 'NOT FLAT'}`)
}
process.exitCode = isFlat ? 0 : 1
