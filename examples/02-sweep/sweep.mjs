/**
 * A parameter sweep: the SIR model for every row of parameters.csv, one result file per task, and a picture at the end.
 *
 *   mpibatch run examples/02-sweep/sweep.mjs        on all processors
 *   node examples/02-sweep/sweep.mjs                on one
 *
 * Run it again: rows that are DONE are skipped, and rows that were added are run.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBatch, tasksFromCsv } from 'mpibatch'
import { drawAttackRates } from './picture.mjs'
import { simulate } from './sir.mjs'

const tasks = tasksFromCsv(join(import.meta.dirname, 'parameters.csv'), { name: 'beta_{beta}_gamma_{gamma}' })
const batch = await openBatch({ root: process.argv[2] ?? 'out/sweep', tasks })

await batch.run((task) => {
  const { beta, gamma, infected, days } = task.values
  const outcome = simulate({
    beta: Number(beta),
    gamma: Number(gamma),
    infected: Number(infected),
    days: Number(days),
  })
  writeFileSync(join(task.directory, 'result.json'), `${JSON.stringify({ ...task.values, ...outcome })}\n`)
})

const { rank } = batch.communicator
const directories = tasks.map((_, index) => batch.directoryOf(index))
const counts = await batch.close()
if (rank === 0 && counts.DONE === tasks.length) {
  const results = directories.map((directory) =>
    JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8')),
  )
  const picture = `${process.argv[2] ?? 'out/sweep'}.svg`
  writeFileSync(picture, drawAttackRates(results))
  console.log(`${tasks.length} epidemics; the picture is ${picture}`)
}
