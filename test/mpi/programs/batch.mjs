/**
 * Works off a batch on all ranks, as openBatch does, and prints a JSON line per rank, from rank 0.
 *
 * Arguments: the task root or "-" for none, the number of tasks, and the number of the node of each rank, as 0011: ranks
 * of different nodes then don't use the memory that they share, but the messages that they would use between machines.
 */
import { openBatchWith } from '@mpibatch/batch-core'
import { withRemoteWindows } from '@mpibatch/batch-core/testing'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { openMpiJob } from '@mpibatch/native-mpi'

const [, , root, taskCount, nodeOf] = process.argv
const job = await openMpiJob()
const world = job.communicator
const node = Number(nodeOf[world.rank])
const communicator = withRemoteWindows(world, (_operation, run) => run(), node)
const batch = await openBatchWith(
  {
    root: root === '-' ? null : root,
    tasks: Array.from({ length: Number(taskCount) }, (_, index) => `t${index}`),
    communicator,
  },
  createFsStateProvider,
)
const { instance } = batch
const done = []
await batch.run(async (task) => {
  done.push(task.index)
  // Gives the others their turn: a rank alone would be done before they have begun.
  await communicator.send(task.index, { destination: world.rank })
  await communicator.receive({ source: world.rank })
})
const counts = await batch.close()
const reports = await world.gather({ instance, done, counts })
for (const report of reports ?? []) process.stdout.write(`${JSON.stringify(report)}\n`)
await job.close()
