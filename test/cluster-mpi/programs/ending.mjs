/** Uses all ways between the ranks of two nodes, and ends with the exit code that is the argument, on rank 0. */
import { openMpiJob } from '@mpibatch/native-mpi'

const [, , exitCode = '0'] = process.argv
const job = await openMpiJob()
const { communicator, facts } = job
const node = await communicator.splitByNode()
const shared = await node.createWindow({ length: 1 })
const served = await communicator.createWindow({ length: 1 })
await shared.fetchAdd(0, 1)
await served.fetchAdd(0, 1)
await communicator.barrier()
const counts = [await shared.load(0), await served.load(0)]
const seen = await communicator.gather({
  host: facts.host,
  nodeRanks: node.size,
  shares: shared.words !== undefined,
  counts,
})
await shared.close()
await served.close()
await node.close()
if (seen !== undefined) console.log(JSON.stringify(seen))
await job.close()
if (facts.rank === 0) process.exitCode = Number(exitCode)
