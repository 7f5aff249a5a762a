/** The last rank adds to a word of rank 0 while that one computes. Prints the milliseconds that each addition took. */
import { openMpiJob } from '@mpibatch/native-mpi'

const COMPUTE_MS = 500
const ROUNDS = 10

const job = await openMpiJob()
const { communicator } = job
const last = communicator.size - 1
const window = await communicator.createWindow({ length: 1 })
const durations = []
for (let round = 0; round < ROUNDS; round += 1) {
  await communicator.barrier()
  if (communicator.rank === 0) {
    const end = performance.now() + COMPUTE_MS
    while (performance.now() < end);
  } else if (communicator.rank === last) {
    const end = performance.now() + COMPUTE_MS - 100
    while (performance.now() < end) {
      const start = performance.now()
      await window.fetchAdd(0, 1)
      durations.push(performance.now() - start)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
const all = await communicator.gather(durations)
if (all !== undefined) console.log(JSON.stringify(all[last]))
await window.close()
await job.close()
