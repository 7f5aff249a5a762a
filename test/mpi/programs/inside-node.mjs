/**
 * What MPI might break in Node, or leak from it. Each rank prints what it found as one line of JSON.
 *
 * Argument: the name of one of the functions below.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openMpiJob } from '@mpibatch/native-mpi'
import { openBatch } from 'mpibatch'

/** Every rank hears of every other, so that the library has opened all connections that it needs. */
async function talkToAll(communicator) {
  const others = Array.from({ length: communicator.size }, (_, rank) => rank).filter(
    (rank) => rank !== communicator.rank,
  )
  for (const destination of others) await communicator.send('x'.repeat(1_000_000), { destination })
  for (const source of others) await communicator.receive({ source })
  await communicator.barrier()
}

const checks = {
  /** Descriptors that a child finds open; `ls` itself opens one. */
  async descriptors({ communicator }) {
    await talkToAll(communicator)
    const listed = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })
    return listed.match(/\d+ -> \S+/g).filter((line) => !/^[012] |\/fd$/.test(line))
  },

  /** Name of what WebAssembly throws for an access behind the end of its memory. */
  async webAssembly({ communicator }) {
    await talkToAll(communicator)
    // (module (memory 1) (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))
    const bytes = [
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1],
      ...[7, 8, 1, 4, 114, 101, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11],
    ]
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)))
    try {
      return exports.read(1 << 30)
    } catch (error) {
      return error.name
    }
  },

  /** Bytes of the C library's code in memory that are not those of its file: hooks that were put into it. */
  async codeOfLibc({ communicator }) {
    await talkToAll(communicator)
    const lines = readFileSync('/proc/self/maps', 'utf8').split('\n')
    // Who changes code makes it writable, and it becomes a mapping of its own.
    const code = lines.filter((line) => /^\S+ r.xp .*\/libc[.-]/.test(line))
    return code.map(countChanged).reduce((sum, count) => sum + count)
  },

  /** Words that are not 0 in a new window, after others have lain there. */
  async freshWindow({ communicator }) {
    const length = 1 << 18
    let foul = 0
    for (let round = 0; round < 5; round += 1) {
      const window = await communicator.createWindow({ length })
      foul += window.words.reduce((count, word) => count + (word === 0 ? 0 : 1), 0)
      await communicator.barrier()
      window.words.fill(-1)
      await window.close()
    }
    return foul
  },

  /** What is left of the words of a window that was closed. */
  async closedWindow({ communicator }) {
    const window = await communicator.createWindow({ length: 1000 })
    const { words } = window
    Atomics.add(words, 0, 1)
    await window.close()
    const late = await window.load(0).catch((error) => error.code)
    return { length: words.length, word: words[0] ?? 'none', late }
  },

  /** Whether what came of a message that goes in several parts is what was sent. */
  async longMessage({ communicator, facts }) {
    const size = 130 * 1024 * 1024 + 7
    const marks = [0, 1 << 26, 1 << 27, size - 1]
    if (facts.rank === 0) {
      const bytes = Buffer.alloc(size)
      marks.forEach((position, index) => {
        bytes[position] = index + 1
      })
      await communicator.send(bytes, { destination: 1 })
      // Right behind it, from the same sender.
      await communicator.send('next', { destination: 1 })
      return communicator.broadcast(undefined, { root: 1 })
    }
    const { data } = await communicator.receive({ source: 0 })
    const { data: next } = await communicator.receive({ source: 0 })
    return communicator.broadcast([data.length - size, ...marks.map((position) => data[position]), next], {
      root: 1,
    })
  },

  /** The same of all words of a window at once, between ranks that can't share it. */
  async longWindow({ communicator, facts }) {
    const length = 20_000_000
    const window = await communicator.createWindow({ length })
    const marks = [0, 1 << 24, length - 1]
    let found = []
    if (facts.rank === 1) {
      const words = new Int32Array(length)
      marks.forEach((index, position) => {
        words[index] = position + 1
      })
      await window.write(0, words)
      await window.accumulate(0, words)
      const read = await window.read(0, length)
      found = marks.map((index) => read[index])
      // Right behind them, from the same sender.
      await communicator.send('next', { destination: 0 })
    } else {
      const { data } = await communicator.receive({ source: 1 })
      found = [data]
    }
    const isServed = window.words === undefined
    await window.close()
    return { isServed, found }
  },

  /** What others find in a window that its owner has forgotten, after the collector has looked for what is forgotten. */
  async forgottenWindow({ communicator, facts }) {
    let window = await communicator.createWindow({ length: 1 << 20 })
    const isServed = window.words === undefined
    await window.fetchAdd(5, 1)
    await communicator.barrier()
    if (facts.rank === 0) {
      window = undefined
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc')
      for (let round = 0; round < 3; round += 1) {
        collect()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await communicator.barrier()
    const word = facts.rank === 1 ? await window.load(5) : 2
    await communicator.barrier()
    return { isServed, word }
  },

  /** Whether two ranks that don't see each other's processes take memory of their own for the other's. */
  async ownMemory({ communicator, facts }) {
    const alone = await communicator.split({ color: facts.rank })
    // The numbers of its descriptors are those that the other rank's next ones have.
    if (facts.rank === 1) {
      for (let count = 0; count < 20; count += 1) await alone.createWindow({ length: 8 })
    }
    const window = await communicator.createWindow({ length: 8 })
    const isServed = window.words === undefined
    await window.fetchAdd(0, 1)
    await communicator.barrier()
    const word = await window.load(0)
    await communicator.barrier()
    return { isServed, word }
  },

  /** What a batch says of that. */
  async batchApart({ communicator }) {
    return await openBatch({ root: null, communicator, tasks: ['a', 'b'] }).catch(({ code, message }) => ({
      code,
      message,
    }))
  },

  /** Children that were started, also while messages go: how many ended well. */
  async children({ communicator }) {
    let count = 0
    for (let index = 0; index < 20; index += 1) {
      await communicator.barrier()
      if (spawnSync('true').status === 0) count += 1
    }
    return count
  },

  /** Thread level, library and so on. */
  async facts({ facts }) {
    return facts
  },
}

/** Bytes of a mapped file that differ from those of the file. @param line - Of /proc/self/maps. */
function countChanged(line) {
  const [, from, to, offset, path] = /^(\w+)-(\w+) \S+ (\w+) \S+ \d+ +(\S+)/.exec(line)
  const start = Number.parseInt(from, 16)
  const size = Number.parseInt(to, 16) - start
  const inMemory = readBytes('/proc/self/mem', start, size)
  const inFile = readBytes(path, Number.parseInt(offset, 16), size)
  return inFile.reduce((count, byte, index) => count + (byte === inMemory[index] ? 0 : 1), 0)
}

function readBytes(path, position, size) {
  const bytes = Buffer.alloc(size)
  const descriptor = openSync(path, 'r')
  readSync(descriptor, bytes, 0, size, position)
  closeSync(descriptor)
  return bytes
}

const [, , name] = process.argv
const job = await openMpiJob()
const found = await checks[name](job)
process.stdout.write(`${JSON.stringify({ rank: job.facts.rank, found })}\n`)
await job.close()
