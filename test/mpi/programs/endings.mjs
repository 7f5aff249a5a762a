/**
 * Ranks that end in ways in which they should not, while the others wait.
 *
 * Argument: the name of one of the functions below. Each rank prints a line when it is ready.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { openMpiJob } from '@mpibatch/native-mpi'

const LAST = 'the last line'
const LINE = `${'x'.repeat(99)}\n`
const LINE_COUNT = 10_000

const endings = {
  /** The last rank leaves, as if all were well. */
  async exit({ communicator }) {
    if (communicator.rank === communicator.size - 1) process.exit(0)
    await communicator.barrier()
  },

  /** The last rank fails where nobody listens. */
  async throw({ communicator }) {
    if (communicator.rank === communicator.size - 1) throw new Error('this rank has had enough')
    await communicator.barrier()
  },

  /** The last rank has nothing left to do, without having said so. */
  async drain({ communicator }) {
    if (communicator.rank === communicator.size - 1) return false
    await communicator.barrier()
  },

  /** All ranks wait, until one of them is killed or asked to end. */
  async wait({ communicator, abort }) {
    process.on('SIGTERM', () => {
      process.stderr.write(`rank ${communicator.rank} was asked to end\n`)
      abort(5)
    })
    await communicator.receive()
  },

  /** Rank 0 ends the job. */
  async abort({ communicator, abort }) {
    if (communicator.rank === 0) abort(9)
    await communicator.barrier()
  },

  /** Rank 0 prints a megabyte right before the end; how the end comes differs. */
  async print({ communicator }) {
    if (communicator.rank === 0) process.stdout.write(`${LINE.repeat(LINE_COUNT)}${LAST}\n`)
  },

  /** A rank that is done a while before the others waits for them. */
  async late({ communicator }) {
    if (communicator.rank !== 0) await pause(500)
  },

  /** Jobs that come to their end at once, with an exit code of rank 0. */
  async code({ communicator }) {
    if (communicator.rank === 0) process.exitCode = 7
  },
}

const [, , name] = process.argv
const job = await openMpiJob()
process.stdout.write(`${JSON.stringify({ rank: job.facts.rank, processId: process.pid })}\n`)
const mayEnd = await endings[name](job)
if (mayEnd !== false) await job.close()
