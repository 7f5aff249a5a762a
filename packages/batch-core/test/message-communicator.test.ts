import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigMismatchError, RankLostError, UsageError } from '../src/errors.ts'
import { createMessageCommunicator } from '../src/message-communicator.ts'
import { createLoopback, createLoopbackTransports } from '../src/testing/index.ts'

const SEED = 20_260_719

/** Two ranks, and the transport of the second, to end it. */
function twoRanks() {
  const transports = createLoopbackTransports(2)
  const [first, second] = transports.map(createMessageCommunicator)
  const [mine, lost] = transports
  if (!first || !second || !mine || !lost) throw new Error('Two ranks gave fewer than two communicators')
  return { first, second, mine, lost }
}

describe('a communicator whose peer ends', () => {
  it('fails what waits for it: receives and collective calls', async () => {
    const { first, lost } = twoRanks()
    const waiting = [
      first.receive({ source: 1 }),
      first.receive(),
      first.barrier(),
      first.allgather(1),
      first.close(),
    ]
    const failures = waiting.map((one) => expect(one).rejects.toThrow(RankLostError))
    lost.lose()
    await Promise.all(failures)
  })

  it('still gives what the peer has sent before, and then fails', async () => {
    const { first, second, lost } = twoRanks()
    await second.send('last words', { destination: 0 })
    lost.lose()
    expect((await first.receive({ source: 1 })).data).toBe('last words')
    await expect(first.receive({ source: 1 })).rejects.toThrow(/^Rank 1 has ended/)
    await expect(first.send('too late', { destination: 1 })).rejects.toThrow(RankLostError)
  })

  it('keeps waiting for the ranks that are left, and for itself', async () => {
    const transports = createLoopbackTransports(3)
    const [first, second] = transports.map(createMessageCommunicator)
    transports[2]?.lose()
    const waiting = first?.receive()
    const toSelf = first?.receive({ source: 0, tag: 1 })
    await second?.send('here', { destination: 0 })
    await first?.send('me', { destination: 0, tag: 1 })
    expect((await waiting)?.data).toBe('here')
    expect((await toSelf)?.data).toBe('me')
  })
})

describe('a communicator over messages', () => {
  it('says that ranks make different collective calls', async () => {
    const { first, second } = twoRanks()
    const calls = [first.barrier(), second.gather(1, { root: 0 })]
    await expect(calls[0]).rejects.toThrow(
      new ConfigMismatchError(
        'Rank 1 called gather where this rank called barrier. All members have to make the same collective calls in the same order.',
      ),
    )
    await calls[1]
  })

  it('keeps its rank alive exactly while somebody waits for a message', async () => {
    const { first, second, mine } = twoRanks()
    expect(mine.waiting).toBe(false)
    const waiting = [first.receive(), first.receive()]
    expect(mine.waiting).toBe(true)
    await second.send(1, { destination: 0 })
    await waiting[0]
    expect(mine.waiting).toBe(true)
    await second.send(2, { destination: 0 })
    await waiting[1]
    expect(mine.waiting).toBe(false)
    await expect(first.receive({ timeoutMs: 0 })).rejects.toThrow('within 0 ms')
    expect(mine.waiting).toBe(false)
  })

  it('gives a message that comes before its communicator to the communicator', async () => {
    const held: (() => void)[] = []
    let holding = false
    const [first, second] = createLoopback(2, {
      schedule: (deliver, label) => {
        if (holding && label === '0 to 1') held.push(deliver)
        else setImmediate(deliver)
      },
    })
    if (!first || !second) throw new Error('Two ranks gave fewer than two communicators')
    const making = second.duplicate()
    holding = true
    const child = first.duplicate()
    const sent = child.then((one) => one.send('early', { destination: 1 }))
    await sent
    holding = false
    for (const deliver of held) deliver()
    expect((await (await making).receive()).data).toBe('early')
  })

  it('refuses to make 0 ranks', () => {
    expect(() => createLoopback(0)).toThrow(UsageError)
  })

  it(`gives the right answers whatever the order of delivery (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 5 }), async (scheduler, size) => {
        const ranks = createLoopback(size, {
          schedule: (deliver, label) => void scheduler.schedule(Promise.resolve(), label).then(deliver),
        })
        const all = ranks.map(({ rank }) => rank)
        const run = async (communicator: (typeof ranks)[number]): Promise<void> => {
          const { rank } = communicator
          const next = (rank + 1) % size
          for (const index of [0, 1, 2]) await communicator.send(index, { destination: next, tag: 1 })
          // Three collective calls at once: their messages must not mix.
          const [gathered, broadcasted, sum] = await Promise.all([
            communicator.allgather(rank),
            communicator.broadcast(rank, { root: size - 1 }),
            communicator.allreduce(rank, 'sum'),
          ])
          expect([gathered, broadcasted, sum]).toEqual([all, size - 1, (size * (size - 1)) / 2])
          const half = await communicator.split({ color: rank % 2 })
          expect(await half?.allgather(rank)).toEqual(all.filter((other) => other % 2 === rank % 2))
          await half?.close()
          for (const index of [0, 1, 2]) expect((await communicator.receive({ tag: 1 })).data).toBe(index)
          await communicator.close()
        }
        await scheduler.waitFor(Promise.all(ranks.map(run)))
      }),
      { seed: SEED, numRuns: 100 },
    )
  })
})

describe('the values of allreduce', () => {
  it('wrap around for Int32 sums and products, without rounding', async () => {
    const results = await Promise.all(
      createLoopback(2).map(async (communicator) => [
        await communicator.allreduce(new Int32Array([0x7fffffff]), 'sum'),
        await communicator.allreduce(new Int32Array([0x7fffffff]), 'product'),
      ]),
    )
    expect(results).toEqual([0, 1].map(() => [new Int32Array([-2]), new Int32Array([1])]))
  })
})

describe('a communicator of many ranks', () => {
  it('is closed with few messages, when all have come, and its parent goes on', async () => {
    const size = 40
    let count = 0
    const worlds = createLoopback(size, {
      schedule: (deliver) => {
        count += 1
        setImmediate(deliver)
      },
    })
    const children = await Promise.all(worlds.map((world) => world.duplicate()))
    count = 0
    const [first, ...others] = children
    let isClosed = false
    const closing = others.map((child) => child.close())
    void closing[0]?.then(() => {
      isClosed = true
    })
    await worlds[1]?.send('after', { destination: 0 })
    await worlds[0]?.receive()
    expect(isClosed).toBe(false)
    await Promise.all([first?.close(), ...closing])
    // Each rank sends a message in each of six rounds, where a word from each to each would be 1560.
    expect(count).toBeLessThan(size * 6 + 2)
    const sums = await Promise.all(worlds.map((world) => world.allreduce(1, 'sum')))
    expect(sums).toEqual(new Array(size).fill(size))
    await expect(first?.barrier()).rejects.toThrow('was closed')
  })
})
