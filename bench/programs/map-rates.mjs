/** Prints, on rank 0, how many items a second a map goes over whose work does nothing, in several ways. */
import { MapReduce, worldCommunicator } from 'mpibatch'

const ways = {
  'default chunk': { count: 1_000_000 },
  'default chunk, reduce in order': { count: 1_000_000, ordered: true, reduce: (result) => result },
  'chunk 1': { count: 50_000, chunk: 1 },
  'chunk 1, ordered section': { count: 20_000, chunk: 1, inOrder: true },
  'chunk 1, critical': { count: 20_000, chunk: 1, critical: true },
}

const communicator = await worldCommunicator()
const pool = await MapReduce.open({ communicator })
const nothing = () => 1
const rates = {}
for (const [name, { count, inOrder, critical, ...options }] of Object.entries(ways)) {
  const work = inOrder ? () => pool.ordered(nothing) : critical ? () => pool.critical(nothing) : nothing
  await pool.map(1000, work, options)
  const start = performance.now()
  await pool.map(count, work, options)
  rates[name] = (1000 * count) / (performance.now() - start)
}
await pool.close()
if (communicator.rank === 0) console.log(JSON.stringify(rates))
