/** Claims all tasks of a table in memory, and sets each DONE. Argument: their number. */
import { STATE_CODE, TaskTable } from '@mpibatch/batch-core'

const taskCount = Number(process.argv[2])
const words = new Int32Array(new SharedArrayBuffer(4 * TaskTable.wordCount(taskCount)))
const table = TaskTable.create(words, taskCount)
table.fill({ codes: new Uint8Array(taskCount).fill(STATE_CODE.OPEN) })
for (let index = table.claimNext(1); index !== undefined; index = table.claimNext(1)) {
  table.set(index, { owner: 1, state: 'DONE' })
}
if (table.count('DONE') !== taskCount) throw new Error('A task was lost')
