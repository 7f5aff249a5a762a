/**
 * Tasks that take 10 ms each, on the ranks that there are. Argument: an object with `tasks`, `root` (or null), and `isHeld`: whether a
 * task holds its thread, as a computation does, or awaits a timer. Rank 0 prints the seconds from the first claim to the last end.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { openBatch, worldCommunicator } from 'mpibatch'

const TASK_MS = 10

const { tasks: taskCount, root, isHeld } = JSON.parse(process.argv[2])
const world = await worldCommunicator()
const tasks = Array.from({ length: taskCount }, (_, index) => `t${index}`)
const batch = await openBatch({ root, tasks, communicator: world })
await world.barrier()
const word = new Int32Array(new SharedArrayBuffer(4))
const hold = () => Atomics.wait(word, 0, 0, TASK_MS)
const start = performance.now()
await batch.run(() => (isHeld ? void hold() : pause(TASK_MS)))
await world.barrier()
const seconds = (performance.now() - start) / 1000
const { DONE: done } = await batch.close()
if (world.rank === 0) process.stdout.write(`${JSON.stringify({ seconds, done })}\n`)
await world.close?.()
