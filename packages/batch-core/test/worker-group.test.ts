import { describe, expect, it } from 'vitest'
import { ConfigError, ConfigMismatchError } from '../src/errors.ts'
import { createLoopback } from '../src/testing/index.ts'
import { createWorkerGroup, groupLayout } from '../src/worker-group.ts'

describe('the layout of worker groups', () => {
  it.each([
    [1, 1, 1],
    [4, 1, 4],
    [6, 2, 3],
    [6, 6, 1],
  ])('makes of %i ranks and a size of %i %i groups', (size, groupSize, groupCount) => {
    expect(groupLayout({ size, groupSize })).toEqual({ groupSize, groupCount })
  })

  it.each([
    [7, 2, "7 ranks don't fill groups of 2: take 6 or 8 ranks, or groups of 1 or 7."],
    [6, 4, "6 ranks don't fill groups of 4: take 4 or 8 ranks, or groups of 3 or 6."],
    [3, 4, "3 ranks don't fill groups of 4: take 4 ranks, or groups of 3."],
    [1, 9, "1 rank doesn't fill groups of 9: take 9 ranks, or groups of 1."],
  ])('says of %i ranks in groups of %i what fits', (size, groupSize, message) => {
    expect(() => groupLayout({ size, groupSize })).toThrow(message)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses groups of %d ranks', (groupSize) => {
    expect(() => groupLayout({ size: 4, groupSize })).toThrow(ConfigError)
  })
})

describe('worker groups', () => {
  it('put neighbouring ranks together, and their leaders too', async () => {
    await Promise.all(
      createLoopback(6).map(async (communicator) => {
        const { rank } = communicator
        const { group, groupIndex, groupCount, leaders } = await createWorkerGroup(communicator, 3)
        expect([groupIndex, groupCount]).toEqual([rank < 3 ? 0 : 1, 2])
        expect(await group.allgather(rank)).toEqual(rank < 3 ? [0, 1, 2] : [3, 4, 5])
        expect(leaders?.rank).toBe(rank % 3 === 0 ? groupIndex : undefined)
        expect(await leaders?.allgather(rank)).toEqual(rank % 3 === 0 ? [0, 3] : undefined)
        await leaders?.close()
        await group.close()
      }),
    )
  })

  it('fail on every rank when the size does not fit or differs', async () => {
    await Promise.all(
      createLoopback(3).map(async (communicator) => {
        await expect(createWorkerGroup(communicator, 2)).rejects.toThrow(ConfigError)
        const groupSize = communicator.rank === 2 ? 3 : 1
        await expect(createWorkerGroup(communicator, groupSize)).rejects.toThrow(ConfigMismatchError)
      }),
    )
  })
})
