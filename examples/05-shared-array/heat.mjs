/**
 * How warm a metal plate becomes. plate.txt draws it: # is kept at 100 degrees, - at 0, . is metal, a space is a hole.
 *
 * Each rank has a band of rows. In every step a cell of metal takes the mean of its neighbours (Jacobi's method), until
 * nothing changes any more. The temperatures are a shared array into which all ranks write their own rows, so that
 * each sees its neighbours' rows without a message; the drawing is one that rank 0 alone reads from the disk.
 *
 *   node heat.mjs [FILE.csv]      mpibatch run -j 4 heat.mjs      mpirun -n 4 node heat.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ArrayView, SharedArray, worldCommunicator } from 'mpibatch'

const [HOT, METAL, HOLE] = [...'#. '].map((letter) => letter.codePointAt(0))
const CHANGE_MIN = 1e-3
const STEPS_BETWEEN_LOOKS = 50
const SHADES = '.:-=+*%@#'

const communicator = await worldCommunicator()
const { rank, size } = communicator

// Only rank 0 reads the file; all have what it says.
const plate = await SharedArray.copy(rank === 0 ? readPlate() : undefined, { communicator })
const [rowCount, columnCount] = plate.shape
const cells = plate.values

// Two layers: what is, and what comes of it. They change roles in each step.
const shape = [2, rowCount, columnCount]
const heat = await SharedArray.empty({ communicator, type: Float64Array, shape, access: 'direct' })
const layers = [heat.view().index(0).values, heat.view().index(1).values]
const [firstRow, endRow] = [rank, rank + 1].map((part) => Math.floor((part * rowCount) / size))
for (let cell = firstRow * columnCount; cell < endRow * columnCount; cell += 1) {
  for (const layer of layers) layer[cell] = cells[cell] === HOT ? 100 : 0
}

const metal = findMetal()
let steps = 0
for (let change = 1; change > CHANGE_MIN; steps += STEPS_BETWEEN_LOOKS) {
  for (let step = 0; step < STEPS_BETWEEN_LOOKS; step += 1) {
    // All have written their rows of the last step, and read what this one overwrites.
    await communicator.barrier()
    change = warm(layers[step % 2], layers[1 - (step % 2)])
  }
  change = await communicator.allreduce(change, 'max')
}

if (rank === 0) {
  print(layers[0])
  const [, , file] = process.argv
  if (file !== undefined) writeFileSync(file, toCsv(layers[0]))
}
await heat.close()
await plate.close()

/** The drawing, with a frame of holes around it, so that every cell of it has four neighbours. */
function readPlate() {
  const lines = readFileSync(join(import.meta.dirname, 'plate.txt'), 'utf8').split('\n')
  const width = Math.max(...lines.map((line) => line.length))
  const framed = ['', ...lines.filter((line) => line !== ''), ''].map((line) => ` ${line.padEnd(width)} `)
  return ArrayView.of(Uint8Array.from(Buffer.from(framed.join(''))), [framed.length, width + 2])
}

/** Where heat comes from, for each cell of metal in this rank's rows. */
function findMetal() {
  const found = []
  for (let cell = firstRow * columnCount; cell < endRow * columnCount; cell += 1) {
    if (cells[cell] !== METAL) continue
    const around = [cell - columnCount, cell - 1, cell + 1, cell + columnCount]
    found.push({ cell, neighbours: around.filter((neighbour) => cells[neighbour] !== HOLE) })
  }
  return found
}

/** One step in this rank's rows. Returns the largest change. */
function warm(before, after) {
  let change = 0
  for (const { cell, neighbours } of metal) {
    let sum = 0
    for (const neighbour of neighbours) sum += before[neighbour]
    after[cell] = sum / neighbours.length
    change = Math.max(change, Math.abs(after[cell] - before[cell]))
  }
  return change
}

function print(degrees) {
  for (let row = 1; row < rowCount - 1; row += 1) {
    const shades = Array.from({ length: columnCount }, (_, column) => {
      const cell = row * columnCount + column
      if (cells[cell] === HOLE) return ' '
      return SHADES[Math.min(SHADES.length - 1, Math.floor((degrees[cell] / 100) * SHADES.length))]
    })
    console.log(shades.join('').trimEnd().slice(1))
  }
  let [sum, count] = [0, 0]
  for (const [cell, letter] of cells.entries()) {
    if (letter !== METAL) continue
    sum += degrees[cell]
    count += 1
  }
  console.log(`The metal has ${(sum / count).toFixed(2)} degrees on average, after ${steps} steps.`)
}

function toCsv(degrees) {
  const rows = Array.from({ length: rowCount }, (_, row) =>
    degrees.subarray(row * columnCount, (row + 1) * columnCount),
  )
  return rows.map((row) => `${row.join(',')}\n`).join('')
}
