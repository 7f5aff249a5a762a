import assert from 'node:assert/strict'
import { assertFails, type ContractCase, ranksOf } from './contract-case.ts'

const MANY = 2000
const LARGE_SIZE_BYTES = 8 * 1024 * 1024
/** A wait that has to end for another reason, in milliseconds. */
const PATIENCE_MS = 60_000

/** What holds for send and receive. */
export const messageCases: readonly ContractCase[] = [
  {
    name: 'messages of one sender and tag arrive in the order in which they were sent',
    run: async (communicator) => {
      const next = (communicator.rank + 1) % communicator.size
      const previous = (communicator.rank + communicator.size - 1) % communicator.size
      for (let index = 0; index < MANY; index += 1) await communicator.send(index, { destination: next })
      for (let index = 0; index < MANY; index += 1) {
        assert.deepEqual(await communicator.receive({ source: previous }), {
          data: index,
          source: previous,
          tag: 0,
        })
      }
    },
  },
  {
    name: 'a receive that names no sender gets the messages of all, each once, and says who sent it',
    run: async (communicator) => {
      for (const destination of ranksOf(communicator)) {
        await communicator.send(`from ${communicator.rank}`, { destination, tag: 3 })
      }
      const sources: number[] = []
      for (const _ of ranksOf(communicator)) {
        const message = await communicator.receive<string>({ tag: 3 })
        assert.equal(message.data, `from ${message.source}`)
        sources.push(message.source)
      }
      assert.deepEqual(
        sources.sort((left, right) => left - right),
        ranksOf(communicator),
      )
    },
  },
  {
    name: 'memory that is sent stays shared where all ranks share a process, on every rank or on none',
    run: async (communicator) => {
      const { rank, size, sharesProcess } = communicator
      assert.deepEqual(await communicator.allgather(sharesProcess), new Array(size).fill(sharesProcess))
      if (!sharesProcess) return
      const next = (rank + 1) % size
      const words = new Int32Array(new SharedArrayBuffer(4))
      await communicator.send(words.buffer, { destination: next })
      const { data } = await communicator.receive<SharedArrayBuffer>()
      new Int32Array(data)[0] = rank + 1
      await communicator.barrier()
      assert.equal(words[0], next + 1)
    },
  },
  {
    name: 'a receive takes the tag that it names and leaves the others',
    run: async (communicator) => {
      const destination = (communicator.rank + 1) % communicator.size
      for (const tag of [0, 1, 32767]) await communicator.send(`tag ${tag}`, { destination, tag })
      for (const tag of [32767, 0, 1]) {
        const message = await communicator.receive<string>({ tag })
        assert.deepEqual([message.data, message.tag], [`tag ${tag}`, tag])
      }
    },
  },
  {
    name: 'a receive that names no tag gets the oldest message of the sender',
    run: async (communicator) => {
      const source = (communicator.rank + communicator.size - 1) % communicator.size
      const destination = (communicator.rank + 1) % communicator.size
      for (const tag of [9, 4, 7]) await communicator.send(undefined, { destination, tag })
      for (const tag of [9, 4, 7]) assert.equal((await communicator.receive({ source })).tag, tag)
    },
  },
  {
    name: 'receives that wait are served in the order in which they were called',
    run: async (communicator) => {
      const destination = (communicator.rank + 1) % communicator.size
      const waiting = [communicator.receive<string>(), communicator.receive<string>()]
      await communicator.barrier()
      await communicator.send('first', { destination })
      await communicator.send('second', { destination })
      const texts = (await Promise.all(waiting)).map(({ data }) => data)
      assert.deepEqual(texts, ['first', 'second'])
    },
  },
  {
    name: 'the receiver gets a copy of what was sent, as it was at that moment',
    run: async (communicator) => {
      const data = {
        list: [1, 2],
        bytes: new Uint8Array([7]),
        text: 'as sent',
        when: new Date(0),
        none: undefined,
      }
      const sent = structuredClone(data)
      await communicator.send(sent, { destination: communicator.rank })
      sent.list.push(3)
      sent.bytes[0] = 0
      const { data: received } = await communicator.receive<typeof data>({ source: communicator.rank })
      assert.deepEqual(received, data)
      assert.notEqual(received, sent)
    },
  },
  {
    name: 'a message of 8 MB arrives whole',
    run: async (communicator) => {
      const bytes = new Uint8Array(LARGE_SIZE_BYTES).fill(communicator.rank + 1)
      bytes[LARGE_SIZE_BYTES - 1] = 200
      const source = (communicator.rank + communicator.size - 1) % communicator.size
      const sent = communicator.send(bytes, { destination: (communicator.rank + 1) % communicator.size })
      const { data } = await communicator.receive<Uint8Array>({ source })
      await sent
      assert.equal(data.length, LARGE_SIZE_BYTES)
      assert.ok(data.subarray(0, -1).every((byte) => byte === source + 1))
      assert.equal(data.at(-1), 200)
    },
  },
  {
    name: 'a receive gives up after its timeout, and the message that comes later is not lost',
    run: async (communicator) => {
      await assertFails(communicator.receive({ tag: 1, timeoutMs: 5 }), 'ERR_MPIBATCH_TIMEOUT')
      await communicator.send('late', { destination: communicator.rank, tag: 1 })
      assert.equal((await communicator.receive({ tag: 1, timeoutMs: PATIENCE_MS })).data, 'late')
    },
  },
  {
    name: 'a receive ends with the reason of its signal, before and during the wait',
    run: async (communicator) => {
      const reason = new Error('enough')
      const controller = new AbortController()
      const waiting = communicator.receive({ signal: controller.signal, timeoutMs: PATIENCE_MS })
      controller.abort(reason)
      await assert.rejects(waiting, (error) => error === reason)
      await communicator.send('there', { destination: communicator.rank })
      await assert.rejects(communicator.receive({ signal: controller.signal }), (error) => error === reason)
      assert.equal((await communicator.receive()).data, 'there')
    },
  },
  {
    name: 'ranks, tags and timeouts that can not be are refused with a sentence',
    run: async (communicator) => {
      const { size } = communicator
      for (const destination of [-1, size, 0.5, Number.NaN]) {
        const error = await assertFails(communicator.send(1, { destination }), 'ERR_MPIBATCH_USAGE')
        assert.match(error.message, new RegExp(`${destination}`))
      }
      for (const tag of [-1, 32768, 1.5]) {
        await assertFails(communicator.send(1, { destination: 0, tag }), 'ERR_MPIBATCH_USAGE')
        await assertFails(communicator.receive({ tag }), 'ERR_MPIBATCH_USAGE')
      }
      await assertFails(communicator.receive({ source: size }), 'ERR_MPIBATCH_USAGE')
      await assertFails(communicator.receive({ timeoutMs: -1 }), 'ERR_MPIBATCH_USAGE')
      await assertFails(communicator.receive({ timeoutMs: Number.NaN }), 'ERR_MPIBATCH_USAGE')
      await assertFails(
        communicator.send(() => {}, { destination: 0 }),
        'ERR_MPIBATCH_USAGE',
      )
    },
  },
]
