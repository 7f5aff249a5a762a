/**
 * Prints, as a line of JSON, the bytes that a batch in memory holds: when it has been opened, and when all of its tasks
 * have run. Argument: the number of tasks. Needs node's --expose-gc.
 */
import { openBatch } from 'mpibatch'

const taskCount = Number(process.argv[2])
// In a function of its own, so that what is counted is what the batch keeps, and not the list.
const open = () =>
  openBatch({
    root: null,
    tasks: Array.from({ length: taskCount }, (_, index) => `t${index}`),
    communicator: null,
  })

function heldBytes() {
  for (let round = 0; round < 4; round += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  // Memory that is shared counts as external.
  return heapUsed + external
}

const before = heldBytes()
const batch = await open()
const opened = heldBytes() - before
await batch.run(() => undefined)
const ended = heldBytes() - before
const { DONE } = await batch.close()
if (DONE !== taskCount) throw new Error(`Only ${DONE} of ${taskCount} tasks are DONE`)
console.log(JSON.stringify({ opened, ended }))
