/** Shared buffers between processes that end in every way: nothing is copied, and nothing is left. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type BufferReference, openSharedBuffers } from 'mpibatch'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gone, type Holder, startHolder } from '../support/buffer-holders.ts'
import { jsonLines } from '../support/mpirun.ts'
import { type Ended, runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const LENGTH = 1000
/** What the elements 0, 1, … of such a buffer sum up to. */
const SUM = (LENGTH * (LENGTH - 1)) / 2

/** The janitor of a process with one holder. */
function janitorOf(pid: number): number {
  const found = readdirSync('/proc').find((name) => {
    try {
      const isChild = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      return isChild && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('mpibatch-janitor')
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error(`Process ${pid} has no janitor`)
  return Number(found)
}

describe('shared buffers of several processes', () => {
  it.skipIf(!existsSync('/dev/shm'))('are in memory once, however many map them', async () => {
    const directory = temporaryDirectory('/dev/shm')
    const holders = await Promise.all([startHolder(directory), startHolder(directory)])
    const [one, other] = holders
    const length = 1_000_000
    const reference = await one?.tell({ do: 'put', length })
    for (const holder of holders) {
      expect(await holder.tell({ do: 'map', reference })).toBe((length * (length - 1)) / 2)
    }
    const parts = await Promise.all(holders.map((holder) => holder.tell({ do: 'proportionalBytes' })))
    const sum = (parts as number[]).reduce((total, part) => total + part, 0)
    expect(sum).toBeGreaterThan(length * 8 * 0.95)
    expect(sum).toBeLessThan(length * 8 * 1.05)
    await one?.kill('SIGKILL')
    expect(await other?.tell({ do: 'read' })).toEqual([(length * (length - 1)) / 2])
    await other?.kill('SIGKILL')
    await gone(directory)
  })

  it('are free when their holder has ended, however it did', async () => {
    const endings: Readonly<Record<string, (holder: Holder) => Promise<unknown>>> = {
      'nothing to do': (holder) => holder.tell({ do: 'end' }),
      exit: (holder) => Promise.resolve(holder.send({ do: 'exit' })),
      exception: (holder) => holder.tell({ do: 'throw' }),
      SIGTERM: (holder) => holder.kill('SIGTERM'),
      SIGINT: (holder) => holder.kill('SIGINT'),
      SIGKILL: (holder) => holder.kill('SIGKILL'),
    }
    const found = Object.entries(endings).map(async ([name, end]) => {
      const directory = temporaryDirectory()
      const holder = await startHolder(directory)
      await holder.tell({ do: 'put', length: LENGTH })
      expect(readdirSync(directory)).toHaveLength(1)
      await end(holder)
      const { exitCode, signal } = await holder.ended
      await gone(directory)
      return [name, signal ?? exitCode]
    })
    expect(Object.fromEntries(await Promise.all(found))).toEqual({
      'nothing to do': 0,
      exit: 0,
      exception: 1,
      SIGTERM: 'SIGTERM',
      SIGINT: 'SIGINT',
      SIGKILL: 'SIGKILL',
    })
  })

  it('are freed by a janitor that is deaf to signals; if that is killed too, by the next holder', async () => {
    const directory = temporaryDirectory()
    const holder = await startHolder(directory)
    await holder.tell({ do: 'put', length: LENGTH })
    const janitor = janitorOf(holder.pid())
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(janitor, signal)
    await holder.tell({ do: 'put', length: LENGTH })
    expect(janitorOf(holder.pid())).toBe(janitor)
    process.kill(janitor, 'SIGKILL')
    await holder.kill('SIGKILL')
    const [root = ''] = readdirSync(directory)
    const [left = ''] = readdirSync(join(directory, root))
    expect(left).toContain(`.${holder.pid()}.`)
    const next = await openSharedBuffers({ directory })
    expect(readdirSync(join(directory, root))).not.toContain(left)
    await next.close()
    await gone(directory)
  })

  it('end a process that writes to them with a sentence, and stay as they are', async () => {
    const directory = temporaryDirectory()
    const [one, other] = await Promise.all([startHolder(directory), startHolder(directory)])
    const reference = await one.tell({ do: 'put', length: LENGTH })
    await other.tell({ do: 'map', reference })
    other.send({ do: 'write' })
    const { signal, stderr } = await other.ended
    expect(signal).toBe('SIGSEGV')
    expect(stderr).toMatch(/wrote into a shared buffer.*values\.slice\(\)/)
    expect(await one.tell({ do: 'map', reference })).toBe(SUM)
  })
})

describe('shared buffers of a worker thread', () => {
  const SCRIPT = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.library).then(async ({ openSharedBuffers }) => {
      const buffers = await openSharedBuffers({ directory: workerData.directory })
      parentPort.postMessage(await buffers.put(Float64Array.from({ length: ${LENGTH} }, (_, index) => index)))
      setInterval(() => undefined, 1000)
    })`

  it('are free when it is terminated, but for those that other threads hold', async () => {
    const directory = temporaryDirectory()
    const library = import.meta.resolve('mpibatch')
    const workers = [0, 1].map(() => new Worker(SCRIPT, { eval: true, workerData: { directory, library } }))
    const references = await Promise.all(
      workers.map((worker) => new Promise<BufferReference>((resolve) => worker.once('message', resolve))),
    )
    const buffers = await openSharedBuffers({ directory })
    onTestFinished(() => buffers.close())
    const [held, lost] = references as [BufferReference, BufferReference]
    await buffers.hold(held)
    const [root = ''] = readdirSync(directory)
    await Promise.all(workers.map((worker) => worker.terminate()))
    await waitUntil(() => readdirSync(join(directory, root)).length === 1)
    const view = await buffers.map(held)
    expect(view.values.length).toBe(LENGTH)
    view.close()
    await expect(buffers.map(lost)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_BUFFER_GONE' })
  })
})

describe.skipIf(!existsSync('/dev/shm'))('shared buffers of ranks in threads', () => {
  const RANKS = join(import.meta.dirname, '../mpi/programs/shared-buffers.mjs')

  it('are in memory once, and passed on by references that ranks exchange', async () => {
    const directory = temporaryDirectory('/dev/shm')
    const run = (...argv: readonly string[]): Promise<Ended> =>
      runProgram(['run', '-j', '3', RANKS, '--', ...argv], { cwd: directory })
    const [shared, passed] = [await run('share', directory, '1000000'), await run('pass', directory)]
    const [first] = jsonLines<{ found: { proportionalBytes: number } }>(shared)
    expect(first?.found, shared.stderr).toMatchObject({ isWhole: true, mappings: 3 })
    expect((first?.found.proportionalBytes ?? 0) / 8e6).toBeCloseTo(1, 1)
    const found = { sums: [1000, 2000, 3000], again: 1, shape: [10, 100] }
    expect(jsonLines<{ found: unknown }>(passed).map((line) => line.found)).toEqual([found, found, found])
    await gone(directory)
  })
})
