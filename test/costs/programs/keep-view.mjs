/**
 * Prints the bytes that a view of a task root holds when all of its tasks have been looked at, each with an attempt on
 * record. Arguments: the root, which is made, and the number of tasks. Needs node's --expose-gc.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRootView } from 'mpibatch'

const [root, count] = process.argv.slice(2)
const taskCount = Number(count)
const own = join(root, '.mpibatch')
const instance = join(own, 'i', '0123456789abcdef')

function writeLines(path, lineOf, first = []) {
  const lines = Array.from({ length: taskCount }, (_, index) =>
    JSON.stringify(lineOf(`task_${index}`, index)),
  )
  writeFileSync(path, `${[...first, ...lines].join('\n')}\n`)
}

function heldBytes() {
  for (let round = 0; round < 4; round += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

mkdirSync(instance, { recursive: true })
writeLines(
  join(own, 'manifest'),
  (name, index) => ({ name, values: { 1: index }, fingerprint: 'f', summary: `run ${index}` }),
  [JSON.stringify({ format: 'mpibatch manifest', version: 1 })],
)
const times = { atMs: 2, startedAtMs: 1, durationMs: 1 }
const facts = { state: 'DONE', host: 'here', reason: 'done', worker: 0, exitCode: 0, ...times }
writeLines(join(instance, 'attempts.0'), (task) => ({ kind: 'end', task, slot: 1, attempt: 1, ...facts }))

const before = heldBytes()
const view = openRootView(root)
let recorded = 0
for (const { reason } of view.tasks()) if (reason !== undefined) recorded += 1
const held = heldBytes() - before
// The view is asked once more, or it might be gone by now.
if (recorded > 0 || view.task(`task_${taskCount - 1}`)?.state !== 'OPEN')
  throw new Error('This is another root')
console.log(held)
