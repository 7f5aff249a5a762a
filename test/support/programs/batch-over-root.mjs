/**
 * What a batch over a root does on any ranks, in any runtime: pshmem's own scenario of 25 tasks with files, then calls
 * for tasks that have ended, several batches at once, and a map whose values are kept. Rank 0 prints a JSON line.
 *
 * Argument: a directory for the roots.
 */
import { join } from 'node:path'
import { openBatch, worldCommunicator } from 'mpibatch'

const [, , directory] = process.argv
const world = await worldCommunicator()
const groupSize = world.size % 2 === 0 ? 2 : 1
const rootRank = world.size - 1
const tasks = Array.from({ length: 25 }, (_, index) => `task_${String(index).padStart(3, '0')}`)

/** Takes tasks until there is none. @returns How often each was taken by any group, on all ranks. */
async function takeAll(batch, { claimable, fails = () => false } = {}) {
  const taken = new Int32Array(batch.taskCount)
  for (;;) {
    const task = await batch.nextTask(claimable)
    if (task === undefined) break
    if (batch.group.rank === 0) taken[task.index] += 1
    await batch.group.barrier()
    await batch.setTaskState(task.index, fails(task.index) ? 'FAILED' : 'DONE')
  }
  return Array.from(await world.allreduce(taken, 'sum'))
}

const report = { size: world.size, groupSize }

const batch = await openBatch({ root: join(directory, 'states'), tasks, groupSize, rootRank })
report.taken = await takeAll(batch, { fails: (index) => index === 13 })
report.states = await batch.states()

// Beside it, another one on the same ranks, which leaves the first its tasks.
const other = await openBatch({ root: join(directory, 'other'), tasks: tasks.slice(0, 7), groupSize: 1 })
report.others = await takeAll(other)
report.retried = await takeAll(batch, { claimable: { retryFailed: true } })
report.retriedState = await batch.getTaskState(13)
await world.barrier()
const again = await batch.nextTask({ rerun: true })
report.rerun = again === undefined ? '' : await batch.getTaskState(again.index)
await again?.done()
report.attempts = [...new Set(await world.allgather(again?.attempt))]
await other.close()
report.counts = await batch.close()

report.maps = []
report.events = []
for (const run of [1, 2]) {
  const mapping = await openBatch({ root: join(directory, 'values'), tasks, groupSize })
  let ended = 0
  mapping.on('done', () => (ended += 1))
  const results = await mapping.map(async (task, group) => {
    if (task.index === 5) throw new Error(`no five in run ${run}`)
    return { square: task.index ** 2, members: await group.allgather(group.rank) }
  })
  report.maps.push(results.map((result) => (result.ok ? result.value.square : result.message)))
  report.events.push(await world.allreduce(ended, 'sum'))
  const texts = await world.allgather(JSON.stringify(results))
  report.maps.push(new Set(texts).size)
  await mapping.close()
}
if (world.rank === 0) process.stdout.write(`${JSON.stringify(report)}\n`)
