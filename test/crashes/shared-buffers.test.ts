/** Holders of one shared buffer that are killed in every order: the others have it, and nothing is left in the end. */
import type { BufferReference } from 'mpibatch'
import { expect, it } from 'vitest'
import { gone, type Holder, startHolder } from '../support/buffer-holders.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LENGTH = 1000
const SUM = (LENGTH * (LENGTH - 1)) / 2

it.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  'a shared buffer outlives its holders but the last, killed in the order %j',
  async (order) => {
    const directory = temporaryDirectory()
    const holders = await Promise.all([0, 1, 2].map(() => startHolder(directory)))
    const reference = (await holders[0]?.tell({ do: 'put', length: LENGTH })) as BufferReference
    for (const holder of holders.slice(1)) await holder.tell({ do: 'hold', reference })
    const left = new Set(holders)
    for (const index of order) {
      const holder = holders[index] as Holder
      await holder.kill('SIGKILL')
      left.delete(holder)
      for (const one of left) expect(await one.tell({ do: 'map', reference })).toBe(SUM)
    }
    await gone(directory)
  },
)
