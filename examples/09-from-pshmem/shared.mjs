/**
 * An array that every rank reads. Rank 0 sets a part of it, then the last rank another one. The same as shared.py.
 *
 *   mpirun -n 4 node shared.mjs
 *   mpibatch run -j 4 shared.mjs
 *   node shared.mjs
 */
import { ArrayView, SharedArray, worldCommunicator } from 'mpibatch'

const world = await worldCommunicator()
const last = world.size - 1

/** One line per rank, in the order of ranks. */
async function show(title, array) {
  for (let rank = 0; rank < world.size; rank += 1) {
    if (rank === world.rank) {
      const rows = Array.from({ length: array.shape[0] }, (_, row) => [...array.index(row)].join(' '))
      console.log(`${title}, rank ${rank}: ${rows.join(' / ')}`)
    }
    await world.barrier()
  }
}

const field = await SharedArray.empty({ communicator: world, type: Float64Array, shape: [3, 5] })
await show('at first', field.view())

let part
let offset
if (world.rank === 0) {
  part = ArrayView.of(Float64Array.from([0, 1, 2, 3, 4, 5]), [2, 3])
  offset = [1, 1]
}
await field.set(part, { offset, from: 0 })
await show('after set', field.view())

let corner
if (world.rank === last) {
  corner = ArrayView.of(Float64Array.from([8, 9]), [1, 2])
}
await field.assign(corner, { offset: [0, 0] })
await show('after assigning', field.view())

if (world.rank === last) {
  console.log(`element 2, 3 is ${field.view().at(2, 3)}`)
}
await field.close()
