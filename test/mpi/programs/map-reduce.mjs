/**
 * Maps that come to a bad end on rank 1. First argument: how, as the name of one of the functions below; second: what
 * that function gets.
 */
import { MapReduce, worldCommunicator } from 'mpibatch'

const endings = {
  /** What its work throws, nobody catches. */
  throw(text) {
    throw new RangeError(text)
  },

  /** It is killed. */
  async kill(signal) {
    process.kill(process.pid, signal)
    await new Promise(() => undefined)
  },

  /** It leaves. */
  exit(code) {
    process.exit(Number(code))
  },
}

const [, , name, argument] = process.argv
const communicator = await worldCommunicator()
const { rank, size } = communicator
const others = Array.from({ length: size }, (_, other) => other).filter((other) => other !== 1)
const pool = await MapReduce.open({ communicator })
let isFirst = true
await pool.map(
  2 * size,
  async () => {
    if (rank === 1) {
      for (const destination of others) await communicator.send('begun', { destination })
      await endings[name](argument)
    }
    // Else they might do it all before rank 1 has begun.
    if (isFirst) await communicator.receive({ source: 1 })
    isFirst = false
  },
  { chunk: 1 },
)
