/**
 * A job script that a launcher starts by itself. Arguments: the root, the size of a group, and how it ends: `falls off`,
 * by `exit` on all ranks, or `early`, where rank 0 leaves the others.
 */
import { openBatch } from 'mpibatch'

const [, , root, groupSize = '1', end = 'falls off'] = process.argv
const tasks = Array.from({ length: 30 }, (_, index) => `task ${index}`)
const batch = await openBatch({ root, tasks, groupSize: Number(groupSize) })
const mine = []
await batch.run(async (task, group) => {
  mine.push(task.index)
  await group.barrier()
})
const all = await batch.communicator.gather({ group: batch.groupIndex, mine })
const states = await Promise.all(tasks.map((_, index) => batch.getTaskState(index)))
const counts = await batch.close()
if (all !== undefined) process.stdout.write(`${JSON.stringify({ counts, all, states })}\n`)
if (end === 'early' && batch.communicator.rank > 0)
  await new Promise((resolve) => setTimeout(resolve, 60_000))
if (end !== 'falls off') process.exit(0)
