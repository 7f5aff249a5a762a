/**
 * How long the last rank takes to claim a task and end it while rank 0, which has the table, computes in JavaScript.
 * Arguments: milliseconds of a computation, how many, "node" or "nodes": whether the ranks share memory. The last rank
 * prints the median and the longest, in milliseconds.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { openBatchWith } from '@mpibatch/batch-core'
import { withRemoteWindows } from '@mpibatch/batch-core/testing'
import { openMpiJob } from '@mpibatch/native-mpi'

const TASK_COUNT = 5000
/** Between two claims: what waits for one has fallen asleep meanwhile. */
const PAUSE_MS = 3

const [busyMs, blockCount] = process.argv.slice(2, 4).map(Number)
const isApart = process.argv[4] === 'nodes'
const job = await openMpiJob()
const world = job.communicator
const communicator = isApart ? withRemoteWindows(world, (_operation, run) => run()) : world
const tasks = Array.from({ length: TASK_COUNT }, (_, index) => `t${index}`)
const batch = await openBatchWith({ root: null, tasks, communicator })

async function compute() {
  for (let block = 0; block < blockCount; block += 1) {
    const end = performance.now() + busyMs
    while (performance.now() < end);
    await nextTurn()
  }
  await world.send(undefined, { destination: world.size - 1 })
}

async function claim() {
  const times = []
  let isOver = false
  const over = world.receive({ source: 0 }).then(() => {
    isOver = true
  })
  while (!isOver) {
    const start = performance.now()
    const task = await batch.nextTask()
    await batch.setTaskState(task.index, 'DONE')
    times.push(performance.now() - start)
    await pause(PAUSE_MS)
  }
  await over
  times.sort((one, other) => one - other)
  const figures = { count: times.length, median: times[times.length >> 1], longest: times.at(-1) }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}

await world.barrier()
if (world.rank === 0) await compute()
else if (world.rank === world.size - 1) await claim()
await world.barrier()
await batch.close()
await job.close()
