/** A program for a launcher: starts MPI, lets all ranks meet, and prints on rank 0 what was found, as JSON. */
import { openMpiJob } from './mpi-job.ts'

const job = await openMpiJob()
const ranks = await job.communicator.allgather(job.facts.rank)
if (job.facts.rank === 0) process.stdout.write(`${JSON.stringify({ ...job.facts, met: ranks.length })}\n`)
await job.close()
