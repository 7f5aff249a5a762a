/**
 * The token lock between ranks. Each rank prints what it found as one line of JSON.
 *
 * Arguments: the name of one of the functions below, and what it takes. With "nodes" as the last one ranks don't use the
 * memory that they share, but the messages that they would use between machines.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { TokenLock } from '@mpibatch/batch-core'
import { withRemoteWindows } from '@mpibatch/batch-core/testing'
import { openMpiJob } from '@mpibatch/native-mpi'

const TAG_GO = 7

/** Numbers between 0 and 1 that are the same on all ranks (mulberry32). */
function createRandom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const checks = {
  /** Order of requests and order of grants, over some rounds. Argument: a seed. */
  async order(communicator, seed) {
    const { rank, size } = communicator
    const random = createRandom(Number(seed))
    const lock = await TokenLock.create(communicator)
    // Word 0: number of entries; then the ranks in the order in which they had the lock.
    const log = await communicator.createWindow({ length: size + 1 })
    const rounds = []
    for (let round = 0; round < 20; round += 1) {
      const others = Array.from({ length: size - 1 }, (_, index) => ({ rank: index + 1, place: random() }))
      const requests = others.toSorted((one, other) => one.place - other.place).map((other) => other.rank)
      if (rank === 0) await lock.acquire()
      await communicator.barrier()
      if (rank === 0) {
        for (const destination of requests) {
          await communicator.send(undefined, { destination, tag: TAG_GO })
          await communicator.receive({ source: destination, tag: TAG_GO })
        }
        await lock.release()
      } else {
        await communicator.receive({ source: 0, tag: TAG_GO })
        const granted = lock.acquire()
        // Operations of one rank on windows of one owner are done in order: the place in the queue is taken then.
        await log.load(0)
        await communicator.send(undefined, { destination: 0, tag: TAG_GO })
        await granted
        await log.store(1 + (await log.fetchAdd(0, 1)), rank)
        await lock.release()
      }
      await communicator.barrier()
      if (rank === 0) {
        rounds.push({ requests, grants: [...(await log.read(1, size - 1))] })
        await log.store(0, 0)
      }
      await communicator.barrier()
    }
    await log.close()
    await lock.close()
    return rank === 0 ? rounds : []
  },

  /** Counts in a file under the lock. Arguments: the file, and how often the holder has to change. */
  async count(communicator, path, handoffCount) {
    const lock = await TokenLock.create(communicator)
    const window = await communicator.createWindow({ length: 2 })
    const file = openSync(path, 'r+')
    const bytes = new Float64Array(1)
    const own = communicator.rank + 1
    let count = 0
    await communicator.barrier()
    for (let handoffs = 0; handoffs < Number(handoffCount); ) {
      await lock.withLock(async () => {
        readSync(file, bytes, 0, 8, 0)
        bytes[0] += 1
        writeSync(file, bytes, 0, 8, 0)
        const isOther = (await window.exchange(0, own)) !== own
        handoffs = (await window.fetchAdd(1, isOther ? 1 : 0)) + 1
      })
      count += 1
    }
    const sum = await communicator.allreduce(count, 'sum')
    readSync(file, bytes, 0, 8, 0)
    closeSync(file)
    await window.close()
    await lock.close()
    return { counted: sum, inFile: bytes[0] }
  },

  /** Three locks at once, one of them of half of the ranks: how often each word was found as nobody else left it. */
  async several(communicator) {
    const { rank } = communicator
    const half = await communicator.split({ color: rank % 2 })
    const members = [communicator, communicator, half]
    const locks = []
    const windows = []
    for (const member of members) {
      locks.push(await TokenLock.create(member))
      windows.push(await member.createWindow({ length: 1 }))
    }
    let foul = 0
    const use = async (index) => {
      for (let round = 0; round < 50; round += 1) {
        await locks[index].withLock(async () => {
          const before = await windows[index].fetchAdd(0, 1)
          await locks[index].held
          if ((await windows[index].fetchAdd(0, 1)) !== before + 1) foul += 1
        })
      }
    }
    await Promise.all(members.map((_, index) => use(index)))
    await communicator.barrier()
    const totals = await Promise.all(windows.map((window) => window.load(0)))
    const expected = members.map((member) => 100 * member.size)
    for (const window of windows) await window.close()
    for (const lock of locks) await lock.close()
    await half.close()
    return { foul, isWhole: totals.every((total, index) => total === expected[index]) }
  },

  /** What every misuse is told, and whether a lock is free again when its holder has thrown. */
  async misuse(communicator) {
    const lock = await TokenLock.create(communicator)
    const codeOf = (promise) =>
      promise.then(
        () => 'none',
        (error) => error.code ?? error.message,
      )
    const notHeld = await codeOf(lock.release())
    const thrown = await codeOf(
      lock.withLock(() => {
        throw new Error('in the lock')
      }),
    )
    await lock.acquire()
    const closedByHolder = await codeOf(lock.close())
    const late = await codeOf(lock.acquire({ timeoutMs: 20 }))
    await lock.release()
    const freeAgain = await codeOf(lock.withLock(() => undefined))
    await lock.close()
    return { notHeld, thrown, closedByHolder, late, freeAgain, closed: await codeOf(lock.acquire()) }
  },
}

const [, , name, ...rest] = process.argv
const job = await openMpiJob()
const world = job.communicator
const communicator = rest.at(-1) === 'nodes' ? withRemoteWindows(world, (_operation, run) => run()) : world
const found = await checks[name](communicator, ...rest)
process.stdout.write(`${JSON.stringify({ rank: world.rank, found })}\n`)
await job.close()
