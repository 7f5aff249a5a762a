/**
 * Two groups of ranks share ten tasks; one of the tasks fails. The same as batch.py.
 *
 *   mpirun -n 4 node batch.mjs DIRECTORY
 *   mpibatch run -j 4 batch.mjs -- DIRECTORY
 *   node batch.mjs DIRECTORY
 */
import { setTimeout as pause } from 'node:timers/promises'
import { openBatch, worldCommunicator } from 'mpibatch'

const world = await worldCommunicator()
const names = Array.from({ length: 10 }, (_, index) => `task_${String(index).padStart(3, '0')}`)
const groupSize = Math.max(1, Math.floor(world.size / 2))

/** All ranks of the group take part. */
async function work(task, group) {
  await pause(10 + 20 * Math.random())
  await group.barrier()
  if (task.name === 'task_004') throw new Error('this one always fails')
}

const batch = await openBatch({ root: process.argv[2] ?? 'out/batch', tasks: names, groupSize })

const states = names.map(() => 'INVALID')
for (;;) {
  const task = await batch.nextTask()
  if (task === undefined) break
  try {
    await work(task, batch.group)
    await task.done()
    states[task.index] = 'DONE'
  } catch (error) {
    await task.fail(error)
    states[task.index] = 'FAILED'
  }
}

await world.barrier()
for (let group = 0; group < batch.groupCount; group += 1) {
  if (group === batch.groupIndex && batch.group.rank === 0) {
    console.log(`group ${group}: ${states.join(' ')}`)
  }
  await world.barrier()
}
await batch.close()
