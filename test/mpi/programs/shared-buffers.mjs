/**
 * Shared buffers between the ranks of a job, in any runtime.
 *
 *   shared-buffers.mjs share DIRECTORY ELEMENTS    one buffer, mapped by all; how much memory that takes together
 *   shared-buffers.mjs pass DIRECTORY              a buffer of each rank, mapped by all
 *   shared-buffers.mjs hold DIRECTORY HOW          all hold a buffer, and end: "wait" to be killed, "throw", or "end"
 */
import { readFileSync } from 'node:fs'
import { openSharedBuffers, worldCommunicator } from 'mpibatch'

const [action, directory, argument] = process.argv.slice(2)
const world = await worldCommunicator()
const buffers = await openSharedBuffers({ directory })

function sumOf(values) {
  let sum = 0
  for (let index = 0; index < values.length; index += 1) sum += values[index]
  return sum
}

/** Proportional size of what this process has mapped of buffers, by the addresses of the mappings, bytes. */
function proportionalSizes() {
  const sizes = new Map()
  let address
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) {
      address = line.includes('/mpibatch-buffers-') ? `${process.pid} ${line.split('-')[0]}` : undefined
    } else if (address !== undefined && line.startsWith('Pss:')) {
      sizes.set(address, Number(/\d+/.exec(line)[0]) * 1024)
    }
  }
  return [...sizes]
}

const ACTIONS = {
  share: async () => {
    const length = Number(argument)
    const made = world.rank === 0 ? await buffers.put(new Float64Array(length).fill(1)) : undefined
    const reference = await world.broadcast(made)
    const view = await buffers.map(reference)
    const sum = sumOf(view.values)
    await world.barrier()
    // Ranks that are threads of one process see the same mappings.
    const sizes = new Map((await world.allgather(proportionalSizes())).flat())
    await world.barrier()
    view.close()
    const proportionalBytes = [...sizes.values()].reduce((total, size) => total + size, 0)
    return { isWhole: sum === length, mappings: sizes.size, proportionalBytes }
  },
  pass: async () => {
    const own = await buffers.put(new Int32Array(1000).fill(world.rank + 1), { shape: [10, 100] })
    const references = await world.allgather(own)
    const sums = []
    for (const reference of references) {
      const view = await buffers.map(reference)
      sums.push(sumOf(view.values))
      view.close()
    }
    await world.barrier()
    // Only the last rank holds them now.
    if (world.rank < world.size - 1) for (const reference of references) await buffers.release(reference)
    await world.barrier()
    const view = await buffers.map(references[0])
    return { sums, again: view.values[0], shape: view.shape }
  },
  hold: async () => {
    const made = world.rank === 0 ? await buffers.put(new Float64Array(1000).fill(1)) : undefined
    const view = await buffers.map(await world.broadcast(made))
    await world.barrier()
    if (argument === 'throw' && world.rank === 1) throw new Error('thrown on purpose')
    if (argument === 'throw' || argument === 'wait') setInterval(() => undefined, 1000)
    return { pid: process.pid, sum: sumOf(view.values) }
  },
}

console.log(JSON.stringify({ rank: world.rank, found: await ACTIONS[action]() }))
