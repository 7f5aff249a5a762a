/** Runs the communicator contract on all ranks, and prints each case that fails. Argument: a part of the cases' names. */
import { contractCases } from '@mpibatch/batch-core/testing'
import { openMpiJob } from '@mpibatch/native-mpi'

const [, , part = ''] = process.argv
const job = await openMpiJob()
const { communicator, facts } = job
const failures = []
let count = 0
for (const { name, run } of contractCases) {
  if (!name.includes(part)) continue
  count += 1
  const own = await communicator.duplicate()
  const fault = await run(own).then(
    () => '',
    (error) => error.stack ?? String(error),
  )
  const faults = await communicator.allgather(fault)
  faults.forEach((text, rank) => {
    if (text !== '') failures.push({ name, rank, text })
  })
  // Members that failed may have left messages there; nobody uses it again.
  if (faults.every((text) => text === '')) await own.close()
}
if (facts.rank === 0) process.stdout.write(`${JSON.stringify({ ...facts, count, failures })}\n`)
await job.close()
process.exitCode = failures.length === 0 ? 0 : 1
