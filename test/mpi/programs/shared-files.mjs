/**
 * Ranks that write files for each other. Argument: an empty directory. Rank 0 prints what all ranks read, and the errors
 * that they got when the last rank had not written what it said.
 */
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readFreshFile, syncBarrierSync, worldCommunicator, writeWholeFile } from 'mpibatch'

const place = process.argv[2]
const world = await worldCommunicator()
const { rank, size } = world
const ranks = Array.from({ length: size }, (_, index) => index)
const path = (of) => `${place}/part-${of}`

let read = []
for (const round of [1, 2, 3]) {
  writeFileSync(path(rank), `${rank} in round ${round}`)
  await syncBarrierSync(world, { wrote: [path(rank)] })
  read = await Promise.all(ranks.map((of) => readFile(path(of), 'utf8')))
  // Before anybody writes again.
  await world.barrier()
}
const wrote = rank === size - 1 ? [`${place}/nothing`] : []
const error = await syncBarrierSync(world, { wrote }).then(
  () => undefined,
  ({ code, message }) => ({ code, message }),
)
if (rank === 0) await writeWholeFile(`${place}/whole`, 'whole')
await world.barrier()
const whole = (await readFreshFile(`${place}/whole`))?.toString()
const all = await world.gather({ read, error, whole })
if (rank === 0) process.stdout.write(`${JSON.stringify(all)}\n`)
