import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Communicator, SharedFileError, UsageError } from '@mpibatch/batch-core'
import { createLoopback } from '@mpibatch/batch-core/testing'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { type SyncBarrierSyncOptions, syncBarrierSync } from '../src/shared-files/sync-barrier-sync.ts'

const RANKS = 3

/** Calls it on all ranks; gives what each got. */
async function onAll(
  optionsOf: (rank: number) => SyncBarrierSyncOptions,
  worlds: readonly Communicator[] = createLoopback(RANKS),
): Promise<PromiseSettledResult<void>[]> {
  return await Promise.allSettled(worlds.map((world, rank) => syncBarrierSync(world, optionsOf(rank))))
}

function reasons(results: readonly PromiseSettledResult<void>[]): unknown[] {
  return results.map((result) => (result.status === 'rejected' ? result.reason : undefined))
}

/** A rank whose client shows a file as it was an hour ago once the others have said what they wrote. */
function withStaleClient(world: Communicator, path: string): Communicator {
  let calls = 0
  return {
    ...world,
    rank: world.rank,
    size: world.size,
    allgather: async <T>(value: T): Promise<T[]> => {
      const values = await world.allgather(value)
      calls += 1
      if (calls === 1) utimesSync(path, 1, 1)
      return values
    },
  }
}

describe('syncBarrierSync', () => {
  it('lets each rank read what every other one wrote, in files and directories of any depth', async () => {
    const place = temporaryDirectory()
    const directory = (rank: number): string => join(place, `of-${rank}/deep`)
    const path = (rank: number): string => join(directory(rank), 'file')
    const worlds = createLoopback(RANKS)
    const seen = await Promise.all(
      worlds.map(async (world, rank) => {
        mkdirSync(directory(rank), { recursive: true })
        writeFileSync(path(rank), `by ${rank}`)
        await syncBarrierSync(world, { wrote: [path(rank), directory(rank)] })
        return worlds.map((_, other) => readFileSync(path(other), 'utf8'))
      }),
    )
    expect(seen).toEqual(Array(RANKS).fill(['by 0', 'by 1', 'by 2']))
  })

  it('lets no rank go on before all have come', async () => {
    const worlds = createLoopback(2)
    const order: string[] = []
    const first = syncBarrierSync(worlds[0] as Communicator).then(() => order.push('first went on'))
    await new Promise((resolve) => setImmediate(resolve))
    order.push('second came')
    await Promise.all([first, syncBarrierSync(worlds[1] as Communicator)])
    expect(order).toEqual(['second came', 'first went on'])
  })

  it('fails on all ranks if one has not written what it says, which keeps the cause', async () => {
    const path = join(temporaryDirectory(), 'nowhere')
    const errors = reasons(await onAll((rank) => (rank === 1 ? { wrote: [path] } : {})))
    for (const error of errors) {
      expect(error).toBeInstanceOf(SharedFileError)
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^Could not sync what rank 1 wrote to .*nowhere: there is no such file\./,
        ),
        details: { path, code: 'ENOENT' },
      })
    }
    expect((errors[1] as Error).cause).toMatchObject({ syscall: 'open' })
  })

  it.each([
    ['a single path', 'file'],
    ['an empty name', ['']],
    ['a number', [7]],
  ])('fails on all ranks if one gives %s instead of a list of paths', async (_, wrong) => {
    for (const option of ['wrote', 'reads'] as const) {
      const results = await onAll((rank) => (rank === 2 ? { [option]: wrong } : {}))
      for (const error of reasons(results)) {
        expect(error).toBeInstanceOf(UsageError)
        expect(error).toMatchObject({ message: expect.stringContaining(`"${option}" of syncBarrierSync`) })
      }
    }
  })

  it('takes a file that is read and was written by nobody as it is, there or not', async () => {
    const place = temporaryDirectory()
    writeFileSync(join(place, 'old'), '')
    const reads = [join(place, 'old'), join(place, 'absent'), join(place, 'no/such/place')]
    expect(reasons(await onAll(() => ({ reads })))).toEqual(Array(RANKS).fill(undefined))
  })

  it('takes a file that was written again meanwhile', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'one')
    const [writer, reader] = createLoopback(2) as [Communicator, Communicator]
    let isFirst = true
    const hasty: Communicator = {
      ...writer,
      rank: writer.rank,
      size: writer.size,
      allgather: async <T>(value: T): Promise<T[]> => {
        const values = await writer.allgather(value)
        if (isFirst) writeFileSync(path, 'one, and more')
        isFirst = false
        return values
      },
    }
    await Promise.all([
      syncBarrierSync(hasty, { wrote: [path] }),
      syncBarrierSync(reader, { visibleWithinMs: 1000 }),
    ])
    expect(readFileSync(path, 'utf8')).toBe('one, and more')
  })

  it('takes a file of two writers as the last of them left it, also within one tick of the clock', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'one')
    utimesSync(path, 1000, 1000)
    const [first, second] = createLoopback(2) as [Communicator, Communicator]
    let whenTold = (): void => undefined
    const told = new Promise<void>((resolve) => {
      whenTold = resolve
    })
    const early: Communicator = {
      ...second,
      rank: second.rank,
      size: second.size,
      allgather: <T>(value: T): Promise<T[]> => {
        whenTold()
        return second.allgather(value)
      },
    }
    const options = { wrote: [path], visibleWithinMs: 30 }
    const ofSecond = syncBarrierSync(early, options)
    await told
    writeFileSync(path, 'one, and more')
    utimesSync(path, 1000, 1000)
    await Promise.all([ofSecond, syncBarrierSync(first, options)])
    expect(readFileSync(path, 'utf8')).toBe('one, and more')
  })

  it('waits while this machine shows a file as it was, until it does not', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'new')
    const [writer, reader] = createLoopback(2) as [Communicator, Communicator]
    let isThrough = false
    const both = Promise.all([
      syncBarrierSync(writer, { wrote: [path], reads: [] }),
      syncBarrierSync(withStaleClient(reader, path), {}),
    ]).then(() => {
      isThrough = true
    })
    // Long enough for a call that does not look.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(isThrough).toBe(false)
    utimesSync(path, new Date(), new Date())
    await both
  })

  it('fails on all ranks when one does not see in time what another wrote', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'new')
    const [first, second, third] = createLoopback(RANKS) as [Communicator, Communicator, Communicator]
    const worlds = [first, withStaleClient(second, path), third]
    const options = (rank: number): SyncBarrierSyncOptions =>
      rank === 0 ? { wrote: [path] } : rank === 1 ? { visibleWithinMs: 30 } : { reads: [] }
    for (const error of reasons(await onAll(options, worlds))) {
      expect(error).toBeInstanceOf(SharedFileError)
      expect(error).toMatchObject({
        message: expect.stringMatching(/^Rank 0 wrote .*file, and rank 1 still sees it as it was before\./),
        details: { path, rank: 1, writer: 0 },
      })
    }
  })

  it('syncs what a single thread wrote', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'text')
    await syncBarrierSync(null, { wrote: [path] })
    await expect(syncBarrierSync(null, { wrote: [`${path}2`] })).rejects.toThrow(SharedFileError)
  })
})
