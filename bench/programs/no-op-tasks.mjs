/**
 * Tasks that do nothing, on the ranks that there are: claimed and set DONE one after the other. Argument: an object
 * with `tasks`, `root` (or null) and `durability`. Rank 0 prints the seconds from the first claim to the last end.
 */
import { openBatch, worldCommunicator } from 'mpibatch'

const { tasks: taskCount, root, durability } = JSON.parse(process.argv[2])
const world = await worldCommunicator()
const tasks = Array.from({ length: taskCount }, (_, index) => `t${index}`)
const batch = await openBatch({ root, tasks, communicator: world, ...(root === null ? {} : { durability }) })
await world.barrier()
const start = performance.now()
for (let task = await batch.nextTask(); task !== undefined; task = await batch.nextTask()) {
  await batch.setTaskState(task.index, 'DONE')
}
await world.barrier()
const seconds = (performance.now() - start) / 1000
const { DONE: done } = await batch.close()
if (world.rank === 0) process.stdout.write(`${JSON.stringify({ seconds, done })}\n`)
await world.close?.()
