/**
 * The area under 4 / (1 + x²) from 0 to 1, which is pi, by the rectangle rule, summed in three ways that agree:
 *
 * - every rank writes its rectangles into one shared array, and the first rank adds them up;
 * - every rank adds its part to one shared number, one rank at a time (`critical`);
 * - the first rank adds up the parts as they are returned to it (`reduce`).
 *
 *   mpibatch run -j 4 examples/07-integral/integral.mjs
 *   node examples/07-integral/integral.mjs                one rank: the same numbers
 */
import { MapReduce, SharedArray, worldCommunicator } from 'mpibatch'

const rectangles = 1_000_000
const parts = 100
const width = 1 / rectangles
const height = (index) => 4 / (1 + ((index + 0.5) * width) ** 2)

const communicator = await worldCommunicator()
const pool = await MapReduce.open({ communicator })
// With direct access, each rank writes by itself, and sees to it that no two write to one place at once.
const access = 'direct'
const areas = await SharedArray.empty({ communicator, type: Float64Array, shape: [rectangles], access })
const shared = await SharedArray.empty({ communicator, type: Float64Array, shape: [1], access })

let reduced = 0
const results = await pool.map(
  parts,
  async (part) => {
    const first = (part * rectangles) / parts
    let sum = 0
    for (let index = first; index < first + rectangles / parts; index += 1) {
      areas.values[index] = width * height(index)
      sum += areas.values[index]
    }
    await pool.critical(() => {
      shared.values[0] += sum
    })
    return sum
  },
  {
    chunk: 1,
    // In the order of the parts, the sum is the same to the last bit, however many ranks there are.
    ordered: true,
    reduce: (sum) => {
      reduced += sum
    },
  },
)
// All ranks have written what they had to when the map is over.
if (results !== undefined) {
  const written = areas.values.reduce((sum, area) => sum + area, 0)
  const [critical] = shared.values
  console.log(JSON.stringify({ written, critical, reduced, pi: Math.PI }))
}
await shared.close()
await areas.close()
await pool.close()
