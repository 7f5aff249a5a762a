/** All ranks talk to each other until the file of the first argument exists; its neighbour `….rounds` counts, on rank 0. */
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { openMpiJob } from '@mpibatch/native-mpi'

const [, , path] = process.argv
const job = await openMpiJob()
const { communicator } = job
for (let round = 0, isTold = false; !isTold; round += 1) {
  if (communicator.rank === 0) writeFileSync(`${path}.rounds`, `${round}`)
  await pause(50)
  isTold = await communicator.broadcast(existsSync(path))
  await communicator.barrier()
}
await job.close()
