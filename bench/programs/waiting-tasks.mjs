/**
 * Tasks that wait 10 ms each, on the ranks that there are. Argument: an object with `tasks` and `root` (or null). Rank 0
 * prints the seconds from the first claim to the last end.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { openBatch, worldCommunicator } from 'mpibatch'

const TASK_MS = 10

const { tasks: taskCount, root } = JSON.parse(process.argv[2])
const world = await worldCommunicator()
const tasks = Array.from({ length: taskCount }, (_, index) => `t${index}`)
const batch = await openBatch({ root, tasks, communicator: world })
await world.barrier()
const start = performance.now()
await batch.run(() => pause(TASK_MS))
await world.barrier()
const seconds = (performance.now() - start) / 1000
const { DONE: done } = await batch.close()
if (world.rank === 0) process.stdout.write(`${JSON.stringify({ seconds, done })}\n`)
await world.close?.()
