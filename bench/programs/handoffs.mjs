/** Ranks that all want one lock for so many milliseconds (argument). Rank 0 prints acquisitions and changes of holder. */
import { TokenLock } from '@mpibatch/batch-core'
import { openMpiJob } from '@mpibatch/native-mpi'

const LAST = 0
const HANDOFFS = 1
const COUNT = 2

const durationMs = Number(process.argv[2])
const job = await openMpiJob()
const world = job.communicator
const lock = await TokenLock.create(world)
const window = await world.createWindow({ length: 3 })
const { words } = window
const own = world.rank + 1
let acquired = 0
await world.barrier()
const start = performance.now()
while (performance.now() - start < durationMs) {
  await lock.acquire()
  // Plain reads and writes: what the lock is for.
  if (words[LAST] !== own) words[HANDOFFS] += 1
  words[LAST] = own
  words[COUNT] += 1
  acquired += 1
  await lock.release()
}
const elapsedMs = Math.max(...(await world.allgather(performance.now() - start)))
const sum = await world.allreduce(acquired, 'sum')
if (world.rank === 0) {
  const isExact = words[COUNT] === sum
  process.stdout.write(
    `${JSON.stringify({ handoffs: words[HANDOFFS], acquired: sum, elapsedMs, isExact })}\n`,
  )
}
await lock.close()
await window.close()
await job.close()
