/**
 * What shared arrays are under MPI: read-only, one copy, large, gone at the end. Each rank prints a line of JSON.
 *
 * Arguments: the name of one of the functions below, and what it takes.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { openMpiJob } from '@mpibatch/native-mpi'
import { SharedArray } from 'mpibatch'

const GIGABYTE = 1_000_000_000
const LARGE = 2 ** 31 + 10

const checks = {
  /** One rank writes where nobody may. */
  async strayWrite({ communicator }, method) {
    const field = await SharedArray.full(1, { communicator, type: Float64Array, shape: [3, 1000] })
    const row = field.view().index(1).values
    if (communicator.rank === communicator.size - 1) {
      if (method === 'assignment') row[7] = 2
      else row.fill(2)
    }
    // Nobody comes by here: the job ends.
    await communicator.barrier()
    await field.close()
    return 'written'
  },

  /** WebAssembly finds accesses out of bounds by the same signal. */
  async webAssembly({ communicator }) {
    const field = await SharedArray.full(1, { communicator, type: Float64Array, shape: [1000] })
    // (module (memory 1) (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))
    const bytes = [
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1],
      ...[7, 8, 1, 4, 114, 101, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11],
    ]
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)))
    const names = []
    for (let round = 0; round < 3; round += 1) {
      try {
        exports.read(1 << 30)
      } catch (error) {
        names.push(error.name)
      }
    }
    await field.close()
    return names
  },

  /** Bytes that this rank has of an array that all ranks read, each page shared out among those that have it. */
  async oneCopy({ communicator }) {
    const shape = [GIGABYTE / Float64Array.BYTES_PER_ELEMENT]
    const field = await SharedArray.full(1.5, { communicator, type: Float64Array, shape })
    // An element of each page.
    let sum = 0
    for (let index = 0; index < shape[0]; index += 512) sum += field.values[index]
    await communicator.barrier()
    const proportionalBytes = mappings()
      .filter(({ sizeBytes }) => sizeBytes >= GIGABYTE)
      .reduce((total, mapping) => total + mapping.proportionalBytes, 0)
    await communicator.barrier()
    await field.close()
    return { sum, proportionalBytes, bytesLeft: mappings().filter((one) => one.sizeBytes >= GIGABYTE).length }
  },

  /** An array of more elements than an Int32 counts, in two copies that one rank sets. */
  async large({ communicator, facts }) {
    const { rank, size } = communicator
    // On one node, as if there were two.
    const nodeCommunicator =
      facts.nodeCount > 1 ? await communicator.splitByNode() : await communicator.split({ color: rank % 2 })
    const field = await SharedArray.empty({
      communicator,
      nodeCommunicator,
      type: Uint8Array,
      shape: [LARGE],
    })
    const values = rank === size - 1 ? new Uint8Array(LARGE).fill(1) : undefined
    if (values !== undefined) values[LARGE - 1] = 2
    await field.set(values, { from: size - 1 })
    const isWhole = isFilled(field.values.subarray(0, LARGE - 1), 1)
    const last = field.view().at(LARGE - 1)
    await field.close()
    await nodeCommunicator.close()
    return { isWhole, last }
  },

  /** Has an array when it comes to its end in one way or another. */
  async end({ communicator, facts }, how) {
    const field = await SharedArray.full(7, { communicator, type: Uint8Array, shape: [64 << 20] })
    const file = mappings().find(({ sizeBytes }) => sizeBytes >= 64 << 20)
    process.stdout.write(
      `${JSON.stringify({ rank: facts.rank, processId: process.pid, file: file?.inode })}\n`,
    )
    await communicator.barrier()
    if (how === 'close') await field.close()
    if (how === 'throw' && facts.rank === 1) throw new Error('this rank has had enough')
    if (how === 'exit') process.exit(facts.rank === 1 ? 3 : 0)
    if (how === 'wait') await pause(600_000)
    return how
  },
}

/** Whether all bytes have one value. */
function isFilled(bytes, value) {
  const expected = new Uint8Array(1 << 26).fill(value)
  for (let start = 0; start < bytes.length; start += expected.length) {
    const part = bytes.subarray(start, start + expected.length)
    if (Buffer.compare(part, expected.subarray(0, part.length)) !== 0) return false
  }
  return true
}

/** This process' mappings of memory that has no name, from /proc/self/smaps. */
function mappings() {
  const found = []
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [, from, to, inode] = /^(\w+)-(\w+) \S+ \S+ \S+ (\d+) +\/memfd:mpibatch/.exec(line) ?? []
    if (from !== undefined) {
      const sizeBytes = Number.parseInt(to, 16) - Number.parseInt(from, 16)
      found.push({ sizeBytes, inode: Number(inode), proportionalBytes: 0, isOpen: true })
    } else if (/^\w+-\w+ /.test(line)) found.push({ sizeBytes: 0, isOpen: false })
    const kilobytes = /^Pss: +(\d+) kB/.exec(line)?.[1]
    const last = found.at(-1)
    if (kilobytes !== undefined && last?.isOpen) last.proportionalBytes = Number(kilobytes) * 1024
  }
  return found.filter(({ isOpen }) => isOpen)
}

const [, , name, argument] = process.argv
const job = await openMpiJob()
const found = await checks[name](job, argument)
process.stdout.write(`${JSON.stringify({ rank: job.facts.rank, found })}\n`)
await job.close()
