import { existsSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BufferReference, BufferView, SharedBuffers } from '../../src/index.ts'
import { PROPERTY } from '../property-options.ts'
import { bufferOpener, filesBelow, freshDirectory, NO_TWO_DISKS } from './buffers-harness.ts'

interface Places {
  readonly memory: string
  readonly disk: string
  open(budgetBytes?: number): Promise<SharedBuffers>
}

function freshPlaces(): Places {
  const memory = freshDirectory('/dev/shm')
  const disk = freshDirectory(tmpdir())
  const open = bufferOpener(memory)
  return {
    memory,
    disk,
    open: (budgetBytes) =>
      open({ spillDirectory: disk, ...(budgetBytes === undefined ? {} : { budgetBytes }) }),
  }
}

const filled = (value: number, sizeBytes = 100): Uint8Array => new Uint8Array(sizeBytes).fill(value)

describe.skipIf(NO_TWO_DISKS !== '')('a budget of shared buffers', () => {
  it('moves the least recently used to the disk, from where they are mapped', async () => {
    const { memory, disk, open } = freshPlaces()
    const [one, other] = [await open(300), await open()]
    const references: BufferReference[] = []
    for (const value of [0, 1, 2]) references.push(await one.put(filled(value)))
    const [first, second, third] = references as [BufferReference, BufferReference, BufferReference]
    ;(await one.map(first)).close()
    const fourth = await one.put(filled(3))
    expect(filesBelow(disk)).toEqual([second.id])
    expect(filesBelow(memory)).toEqual([first, third, fourth].map(({ id }) => id).toSorted())
    expect(one.memoryBytes).toBe(300)
    for (const buffers of [one, other]) expect((await buffers.map(second)).values).toEqual(filled(1))
    expect([one.memoryBytes, other.memoryBytes]).toEqual([300, 0])
    await one.close()
    expect((await other.map(second)).values).toEqual(filled(1))
    await other.close()
    expect([readdirSync(memory), readdirSync(disk)]).toEqual([[], []])
  })

  it('leaves in memory what is mapped, until it is not any more', async () => {
    const { disk, open } = freshPlaces()
    const [one, other] = [await open(), await open(100)]
    const references = [await one.put(filled(0)), await one.put(filled(1)), await one.put(filled(2))]
    const views: BufferView[] = []
    for (const reference of references) views.push(await other.map(reference))
    expect(other.memoryBytes).toBe(300)
    expect(filesBelow(disk)).toEqual([])
    for (const view of views) view.close()
    await other.hold(await one.put(filled(3)))
    expect(other.memoryBytes).toBe(100)
    expect(filesBelow(disk)).toEqual(references.map(({ id }) => id).toSorted())
  })

  it('moves also what was mapped by a view that nobody has any more', async () => {
    const { disk, open } = freshPlaces()
    const buffers = await open(100)
    const reference = await buffers.put(filled(0))
    await buffers.map(reference)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    // What a promise has just given is kept until the next turn.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    await buffers.put(filled(1))
    expect(filesBelow(disk)).toEqual([reference.id])
  })

  it('puts what is larger than it on the disk at once, and moves nothing for that', async () => {
    const { memory, disk, open } = freshPlaces()
    const buffers = await open(150)
    const small = await buffers.put(filled(1))
    const large = await buffers.put(filled(2, 151))
    expect([filesBelow(memory), filesBelow(disk)]).toEqual([[small.id], [large.id]])
    expect((await buffers.map(large)).values).toEqual(filled(2, 151))
    await buffers.release(large)
    expect(filesBelow(disk)).toEqual([])
  })

  it('makes one copy on the disk, also where several holders move the same buffer', async () => {
    const { memory, disk, open } = freshPlaces()
    const [one, other] = [await open(100), await open(100)]
    const reference = await one.put(filled(1))
    await other.hold(reference)
    for (const buffers of [one, other]) await buffers.put(filled(2))
    expect(filesBelow(disk)).toEqual([reference.id, reference.id])
    const [root = ''] = readdirSync(disk)
    expect(statSync(join(disk, root, reference.holder, reference.id)).nlink).toBe(2)
    expect(filesBelow(memory)).not.toContain(reference.id)
  })

  it('is kept while others look for what is moved: they find it at any moment', async () => {
    const { disk, open } = freshPlaces()
    const [one, other] = [await open(1_000_000), await open()]
    for (let round = 0; round < 20; round += 1) {
      const reference = await one.put(filled(round, 1_000_000))
      let isMoved = false
      const moving = one.put(filled(255, 1_000_000)).then(() => {
        isMoved = true
      })
      while (!isMoved) {
        await other.hold(reference)
        await other.release(reference)
        // The one that moves needs a turn as well.
        await new Promise((resolve) => setImmediate(resolve))
      }
      await moving
      expect(filesBelow(disk)).toContain(reference.id)
    }
  })

  it('needs a disk, and can not be negative', async () => {
    const { open } = freshPlaces()
    const memory = freshDirectory('/dev/shm')
    await expect(open(-1)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_CONFIG_INVALID' })
    await expect(open(Number.NaN)).rejects.toThrow('A budget of NaN bytes')
    const inMemory = bufferOpener(memory)({ spillDirectory: freshDirectory('/dev/shm') })
    await expect(inMemory).rejects.toThrow(/is on the same file system as .* Give a directory on a disk/)
    await expect(bufferOpener(memory)({ spillDirectory: '/no/such' })).rejects.toThrow(
      'There is no directory',
    )
    expect(readdirSync(memory)).toEqual([])
  })

  it('is kept, and no byte is lost, whatever two holders do', { timeout: 60_000 }, async () => {
    const { memory, disk, open } = freshPlaces()
    const step = fc.record({
      holder: fc.nat(1),
      action: fc.constantFrom('put', 'put', 'map', 'map', 'hold', 'release', 'close'),
      which: fc.nat(9),
      sizeBytes: fc.nat(120),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const holders = [await open(250), await open(100)] as const
        const model = new HolderModel(holders)
        for (const one of steps) await model.step(one)
        for (const buffers of holders) await buffers.close()
        expect([readdirSync(memory), existsSync(disk) && readdirSync(disk)]).toEqual([[], []])
      }),
      { ...PROPERTY, numRuns: 30 },
    )
  })
})

/** What must be there after each step: contents by id, who holds what, and what is mapped. */
class HolderModel {
  readonly #holders: readonly [SharedBuffers, SharedBuffers]
  readonly #put: BufferReference[] = []
  readonly #contents = new Map<string, Uint8Array>()
  readonly #held = [new Set<string>(), new Set<string>()] as const
  readonly #views: { readonly holder: number; readonly id: string; readonly view: BufferView }[] = []

  constructor(holders: readonly [SharedBuffers, SharedBuffers]) {
    this.#holders = holders
  }

  async step(step: { holder: number; action: string; which: number; sizeBytes: number }): Promise<void> {
    const { holder, action, which, sizeBytes } = step
    const buffers = this.#holders[holder] as SharedBuffers
    const held = this.#held[holder] as Set<string>
    const reference = this.#put[which % Math.max(1, this.#put.length)]
    if (action === 'put') {
      const values = filled(this.#put.length, sizeBytes)
      const made = await buffers.put(values)
      this.#put.push(made)
      this.#contents.set(made.id, values)
      held.add(made.id)
    } else if (action === 'close') {
      this.#views.splice(which, 1)[0]?.view.close()
    } else if (reference !== undefined) {
      await this.#use(holder, action, reference)
    }
    this.#check()
  }

  async #use(holder: number, action: string, reference: BufferReference): Promise<void> {
    const buffers = this.#holders[holder] as SharedBuffers
    const held = this.#held[holder] as Set<string>
    const { id } = reference
    if (action === 'release') {
      await buffers.release(reference)
      held.delete(id)
    } else if (!this.#held.some((one) => one.has(id))) {
      await expect(buffers.hold(reference)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_BUFFER_GONE' })
    } else {
      if (action === 'hold') await buffers.hold(reference)
      else this.#views.push({ holder, id, view: await buffers.map(reference) })
      held.add(id)
    }
  }

  #check(): void {
    for (const { id, view } of this.#views) expect(view.values).toEqual(this.#contents.get(id))
    for (const [holder, budgetBytes] of [250, 100].entries()) {
      const mapped = new Set(this.#views.filter((one) => one.holder === holder).map(({ id }) => id))
      const mappedBytes = [...mapped].reduce((sum, id) => sum + (this.#contents.get(id)?.length ?? 0), 0)
      expect(this.#holders[holder]?.memoryBytes).toBeLessThanOrEqual(budgetBytes + mappedBytes)
    }
  }
}
