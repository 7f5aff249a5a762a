import { STATE_CODE, TaskTable } from '@mpibatch/batch-core'
import { buildLimit } from '../limits/build.mjs'
import { expectCount, jsonLine, runToEnd } from '../run.mjs'

const TASK_COUNTS = [1_000, 10_000, 100_000, 1_000_000]
const FLAT_RATIO_MAX = 2
const OWNER = 1

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
  expectCount('claims', claimed, table.taskCount)
  expectCount('tasks DONE', table.count('DONE'), claimed)
  return elapsedMs
}

/** Nanoseconds per claim. Each size makes as many claims, over as many tables as that takes. */
function nanosecondsPerClaim(taskCount, claims) {
  const tableCount = Math.max(1, Math.round(claims / taskCount))
  let elapsedMs = 0
  for (let round = 0; round < tableCount; round += 1) elapsedMs += drain(openTable(taskCount))
  return (elapsedMs * 1e6) / (tableCount * taskCount)
}

/** What a claim costs, by number of tasks, in memory: claim the next task, set it DONE, until none is left. */
export const row = {
  name: 'claims',
  title: 'What it costs to claim a task in memory and set it DONE, by number of tasks',
  sizes: { claims: 1_000_000, rounds: 7 },
  small: { claims: 1000, rounds: 1 },
  measure({ claims }) {
    const taskCounts = TASK_COUNTS.filter((taskCount) => taskCount <= claims)
    // Before the compiler has seen the loop, claims cost several times as much; that round doesn't count.
    for (const taskCount of taskCounts) nanosecondsPerClaim(taskCount, claims)
    const ways = taskCounts.map((taskCount) => ({
      who: `${taskCount.toLocaleString('en-US')} tasks`,
      unit: 'ns',
      run: () => nanosecondsPerClaim(taskCount, claims),
    }))
    const counter = buildLimit('counter')
    const limit = {
      who: 'C: an atomic addition, 1 process',
      unit: 'ns',
      ...(counter.missing === undefined
        ? { run: () => jsonLine(runToEnd([counter.path, '10000000', '1'])).nanoseconds }
        : { missing: counter.missing }),
    }
    const wants = [{ text: 'dearest / cheapest', extremesOf: ways, atMost: FLAT_RATIO_MAX }]
    return { ways: [...ways, limit], wants }
  },
}
