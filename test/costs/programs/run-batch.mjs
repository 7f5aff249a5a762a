/**
 * Runs a batch in this process whose tasks do nothing.
 *
 * Arguments: the task root, the number of tasks, and the durability.
 */
import { openBatch } from 'mpibatch'

const [, , root, taskCount, durability] = process.argv
const tasks = Array.from({ length: Number(taskCount) }, (_, index) => `t${index}`)
const batch = await openBatch({ root, tasks, durability, communicator: null })
await batch.run(() => undefined)
const { DONE } = await batch.close()
if (DONE !== tasks.length) throw new Error(`Only ${DONE} of ${tasks.length} tasks are DONE`)
