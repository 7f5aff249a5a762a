/**
 * How long a rank waits for what it asks for while rank 0, which has the windows, computes for half a second at a time;
 * and what a rank costs that does nothing.
 *
 * Argument: "node" where ranks share memory, "nodes" where each is to be on a node of its own. The last rank prints the
 * figures as a line of JSON, times in milliseconds.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { openBatchWith, TokenLock } from '@mpibatch/batch-core'
import { withRemoteWindows } from '@mpibatch/batch-core/testing'
import { openMpiJob } from '@mpibatch/native-mpi'

const BUSY_MS = 500
const BLOCK_COUNT = 4
const IDLE_MS = 2000
const TAG_OVER = 1

function compute(durationMs) {
  const end = performance.now() + durationMs
  while (performance.now() < end);
}

function summaryOf(times) {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))]
  return { count: times.length, median: at(0.5), most: at(0.9), longest: at(1) }
}

/** Measures a step on the last rank over and over while rank 0 computes. Collective. */
async function measure(world, step) {
  await world.barrier()
  if (world.rank === 0) {
    for (let block = 0; block < BLOCK_COUNT; block += 1) {
      compute(BUSY_MS)
      await nextTurn()
    }
    await world.send(undefined, { destination: world.size - 1, tag: TAG_OVER })
  }
  const times = []
  if (world.rank === world.size - 1) {
    let isOver = false
    const over = world.receive({ source: 0, tag: TAG_OVER }).then(() => {
      isOver = true
    })
    while (!isOver) {
      const start = performance.now()
      await step()
      times.push(performance.now() - start)
      // Claims come at intervals, and what waits for one has fallen asleep meanwhile.
      await pause(3)
    }
    await over
  }
  await world.barrier()
  return summaryOf(times)
}

/** Share of a processor that this rank takes while it waits for a message. Collective. */
async function measureIdle(world) {
  await world.barrier()
  const [start, before] = [performance.now(), process.cpuUsage()]
  if (world.rank === 0) {
    await pause(IDLE_MS)
    for (let rank = 1; rank < world.size; rank += 1) await world.send(undefined, { destination: rank })
  } else await world.receive({ source: 0 })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - start)
}

const [, , place] = process.argv
const job = await openMpiJob()
const { communicator: world, facts } = job
const communicator = place === 'nodes' ? withRemoteWindows(world, (_operation, run) => run()) : world
const window = await communicator.createWindow({ length: 10 })
const inner = await world.createWindow({ length: 1 })
const lock = await TokenLock.create(communicator)
const batch = await openBatchWith({
  root: null,
  tasks: Array.from({ length: 5000 }, (_, index) => `t${index}`),
  communicator,
})

const idle = await measureIdle(world)
const figures = {
  place,
  library: facts.version,
  isServed: inner.words === undefined,
  idle: Math.max(...(await world.allgather(idle))),
  window: await measure(world, () => window.fetchAdd(1, 1)),
  lock: await measure(world, () => lock.withLock(() => undefined)),
  claim: await measure(world, async () => {
    const task = await batch.nextTask()
    await batch.setTaskState(task.index, 'DONE')
  }),
}
if (world.rank === world.size - 1) process.stdout.write(`${JSON.stringify(figures)}\n`)
await batch.close()
await lock.close()
await window.close()
await job.close()
