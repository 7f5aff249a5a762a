import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClosedError, FencedError, ForeignWriterError, STATE_CODE } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import {
  freshRoot,
  mustClaim,
  openStore,
  plan,
  pretendDead,
  pretendRemote,
  RECORD,
  stateText,
} from './store-harness.ts'

const FROM_OPEN = { lastSeen: 0, from: {} }

describe('one instance', () => {
  it('claims, publishes and counts slots and attempts', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    const claim = await mustClaim(store)
    expect(claim).toEqual({ taskIndex: 0, slot: 1, attempt: 1 })
    expect(stateText(root)).toBe('RUNNING\n')
    expect(await store.publish(claim, 'FAILED', RECORD)).toBe(2)
    expect(stateText(root)).toBe('FAILED\n')
    expect(await store.claim(0, { lastSeen: 2, from: {} })).toEqual({
      kind: 'settled',
      slot: 2,
      state: 'FAILED',
    })
    const again = await store.claim(0, { lastSeen: 2, from: { retryFailed: true } })
    expect(again).toMatchObject({ kind: 'claimed', claim: { slot: 3, attempt: 2 } })
  })

  it('opens a DONE task on record before it claims it again', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    expect(await store.claim(0, { lastSeen: 2, from: {} })).toMatchObject({ kind: 'settled', state: 'DONE' })
    const again = await store.claim(0, { lastSeen: 2, from: { rerun: true } })
    expect(again).toMatchObject({ kind: 'claimed', claim: { slot: 4, attempt: 2 } })
    const journal = readFileSync(join(root, '.mpibatch', 'i', store.instance, 'journal.0'), 'utf8')
    expect(journal).toMatch(/^R 3 a [0-9a-f]{8}\n$/)
  })

  it('gives a claim back', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    expect(await store.release(await mustClaim(store))).toBe(2)
    expect(stateText(root)).toBe('OPEN\n')
    expect(await mustClaim(store)).toEqual({ taskIndex: 0, slot: 3, attempt: 2 })
  })

  it('leaves no payload and nothing unfinished behind', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    await store.close()
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['state', 'state.ev.1', 'state.ev.2'])
    const own = readdirSync(join(root, '.mpibatch', 'i', store.instance))
    expect(own.filter((name) => name.startsWith('new.'))).toEqual([])
  })

  it('gives its ranks tokens of their own, and only rank 0 ends it', async () => {
    const root = freshRoot()
    const tasks = plan('a', 'b')
    const first = await openStore(root, tasks)
    const { createFsStateProvider } = await import('../src/fs-state-provider.ts')
    const second = await createFsStateProvider({ root }).attach(structuredClone(first.ticket), tasks, 7)
    expect(second.instance).toBe(first.instance)
    await second.publish(await mustClaim(second, 1), 'DONE', RECORD)
    await second.close()
    expect(readFileSync(join(root, 'b', 'state.ev.1'), 'utf8')).toMatch(/^1 CLAIM [0-9a-f]{16} 7 /)
    const life = (entry: number): boolean =>
      existsSync(join(root, '.mpibatch', 'i', first.instance, `life.${entry}`))
    expect(life(2)).toBe(false)
    await first.close()
    expect(life(2)).toBe(true)
    await expect(first.claim(0, FROM_OPEN)).rejects.toThrow(ClosedError)
  })

  it('settles what ended ranks held: claims are given back, results completed', async () => {
    const root = freshRoot()
    const tasks = plan('a', 'b', 'c')
    let halt = false
    const store = await openStore(root, tasks, {
      onStep: ({ kind, step }) => {
        if (halt && kind === 'DONE' && step === 'P3') throw new Error('the rank ended here')
      },
    })
    await mustClaim(store, 0)
    const claim = await mustClaim(store, 1)
    halt = true
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow('the rank ended here')
    halt = false
    await store.settle([0, 1, 2])
    expect([stateText(root, 'a'), stateText(root, 'b')]).toEqual(['OPEN\n', 'DONE\n'])
    expect(existsSync(join(root, 'c'))).toBe(false)
  })
})

describe('two instances', () => {
  it('see each other: a task that one runs is elsewhere for the other, until it ends', async () => {
    const root = freshRoot()
    const [one, other] = [await openStore(root), await openStore(root)]
    const claim = await mustClaim(one)
    expect(await other.claim(0, FROM_OPEN)).toEqual({ kind: 'elsewhere', slot: 1, owner: one.instance })
    expect((await other.load()).codes[0]).toBe(STATE_CODE.ELSEWHERE)
    expect((await other.reconsider([0])).ready).toEqual([])
    await one.publish(claim, 'DONE', RECORD)
    expect((await other.reconsider([0])).ready).toEqual([0])
    expect(await other.claim(0, { lastSeen: 1, from: {} })).toEqual({
      kind: 'settled',
      slot: 2,
      state: 'DONE',
    })
  })

  it('take over what a dead one left, and the dead one can not publish', async () => {
    const root = freshRoot()
    const one = await openStore(root)
    const claim = await mustClaim(one)
    const other = await openStore(root)
    pretendDead(root, one.instance)
    expect((await other.reconsider([0])).ready).toEqual([0])
    expect((await other.load()).codes[0]).toBe(STATE_CODE.OPEN)
    expect(await mustClaim(other)).toEqual({ taskIndex: 0, slot: 2, attempt: 2 })
    await expect(one.publish(claim, 'DONE', RECORD)).rejects.toThrow(FencedError)
    expect(stateText(root)).toBe('RUNNING\n')
  })

  it('take over at once what a cleanly closed one left', async () => {
    const root = freshRoot()
    const one = await openStore(root)
    await mustClaim(one)
    await one.close()
    expect(await mustClaim(await openStore(root))).toMatchObject({ slot: 2, attempt: 2 })
  })

  it('leave an owner alone that runs on another machine', async () => {
    const root = freshRoot()
    const one = await openStore(root)
    await mustClaim(one)
    pretendRemote(root, one.instance)
    const other = await openStore(root)
    expect(await other.claim(0, FROM_OPEN)).toMatchObject({ kind: 'elsewhere', owner: one.instance })
  })

  it('leave an owner alone of which nothing is known, and say so', async () => {
    const root = freshRoot()
    const one = await openStore(root)
    await mustClaim(one)
    rmSync(join(root, '.mpibatch', 'i', one.instance), { recursive: true })
    const other = await openStore(root)
    const { codes, faults } = await other.load()
    expect(codes[0]).toBe(STATE_CODE.ELSEWHERE)
    expect(faults[0]?.message).toMatch(/Nothing is known of the owner .*--steal-running/)
    expect(await other.claim(0, { lastSeen: 0, from: { stealRunning: true } })).toMatchObject({
      kind: 'claimed',
    })
  })

  it('steal from a living one only when asked to, which fences it', async () => {
    const root = freshRoot()
    const [one, other] = [await openStore(root), await openStore(root)]
    const claim = await mustClaim(one)
    const stolen = await mustClaim(other, 0, { stealRunning: true })
    await expect(one.release(claim)).rejects.toThrow(FencedError)
    await other.publish(stolen, 'DONE', RECORD)
    expect(stateText(root)).toBe('DONE\n')
  })

  it('fail a task whose owners keep dying, and try it again when retries are asked for', async () => {
    const root = freshRoot()
    for (const attempt of [1, 2]) {
      const store = await openStore(root, plan('a'), { crashLimit: 2 })
      expect((await mustClaim(store)).attempt).toBe(attempt)
      pretendDead(root, store.instance)
    }
    const store = await openStore(root, plan('a'), { crashLimit: 2 })
    expect(await store.claim(0, FROM_OPEN)).toMatchObject({ kind: 'settled', state: 'FAILED', slot: 3 })
    expect(stateText(root)).toBe('FAILED\n')
    expect(await mustClaim(store, 0, { retryFailed: true })).toMatchObject({ slot: 4, attempt: 3 })
  })
})

describe('a program without claims on the same root', () => {
  function write(root: string, text: string): void {
    mkdirSync(join(root, 'a'), { recursive: true })
    writeFileSync(join(root, 'a', 'state'), text)
  }

  it.each([
    ['DONE\n', STATE_CODE.DONE],
    ['FAILED\n', STATE_CODE.FAILED],
    ['RUNNING\n', STATE_CODE.ELSEWHERE],
    ['OPEN\n', STATE_CODE.OPEN],
    ['DONE', STATE_CODE.DONE],
    ['DONE\r\n', STATE_CODE.DONE],
    ['FAILED\nDONE\n', STATE_CODE.FAILED],
  ])('is believed when it wrote %j', async (text, code) => {
    const root = freshRoot()
    write(root, text)
    expect((await (await openStore(root)).load()).codes[0]).toBe(code)
  })

  it('keeps its RUNNING, unless it is to be stolen', async () => {
    const root = freshRoot()
    write(root, 'RUNNING\n')
    const store = await openStore(root)
    expect(await store.claim(0, FROM_OPEN)).toEqual({ kind: 'elsewhere', slot: 0, owner: 'foreign' })
    expect(await mustClaim(store, 0, { stealRunning: true })).toMatchObject({ slot: 1 })
  })

  it('is noticed when it ends a task that we run: its word stands', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    const claim = await mustClaim(store)
    write(root, 'DONE\n')
    await expect(store.publish(claim, 'FAILED', RECORD)).rejects.toThrow(ForeignWriterError)
    expect(stateText(root)).toBe('DONE\n')
    expect(await (await openStore(root)).claim(0, FROM_OPEN)).toMatchObject({
      kind: 'settled',
      state: 'DONE',
    })
  })

  it('does not make a task free by FAILED while its owner lives, also where retries are asked for', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await mustClaim(store)
    write(root, 'FAILED\n')
    const other = await openStore(root)
    const from = { retryFailed: true }
    expect(await other.claim(0, { lastSeen: 0, from })).toMatchObject({ kind: 'elsewhere' })
    pretendDead(root, store.instance)
    expect(await other.claim(0, { lastSeen: 0, from })).toMatchObject({ kind: 'claimed', slot: 2 })
  })

  it('is reported when it wrote OPEN over a result, which stands', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    write(root, 'OPEN\n')
    const { codes, faults } = await store.load()
    expect(codes[0]).toBe(STATE_CODE.DONE)
    expect(faults[0]?.message).toContain('mpibatch rerun')
  })
})

describe('a task that can not be understood is left alone', () => {
  const spoil: Record<string, (directory: string) => void> = {
    'a word and a NUL byte': (directory) => writeFileSync(join(directory, 'state'), 'DONE\0'),
    'an unknown word': (directory) => writeFileSync(join(directory, 'state'), 'INVALID\n'),
    'a megabyte of text': (directory) => writeFileSync(join(directory, 'state'), 'x'.repeat(1 << 20)),
    'a directory as state': (directory) => mkdirSync(join(directory, 'state')),
    'a link as state': (directory) => symlinkSync('/etc/hostname', join(directory, 'state')),
    'a dangling link as state': (directory) => symlinkSync('nowhere', join(directory, 'state')),
    'a link as directory': (directory) => {
      rmSync(directory, { recursive: true })
      symlinkSync('/tmp', directory)
    },
    'a file as directory': (directory) => {
      rmSync(directory, { recursive: true })
      writeFileSync(directory, 'DONE\n')
    },
  }

  it.each(Object.keys(spoil))('%s', async (name) => {
    const root = freshRoot()
    const directory = join(root, 'a')
    mkdirSync(directory, { recursive: true })
    spoil[name]?.(directory)
    const before = readdirSync(root)
    const store = await openStore(root)
    const { codes, faults } = await store.load()
    expect(codes[0]).toBe(STATE_CODE.INVALID)
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toContain(directory)
    const outcome = await store.claim(0, FROM_OPEN)
    expect(outcome).toMatchObject({ kind: 'invalid', reason: expect.stringContaining(directory) })
    expect(readdirSync(root).sort()).toEqual([...before, '.mpibatch'].sort())
  })

  it.each(['', '\0\0\0\0\0', 'RUNN'])(
    'but a state of %j without events, which a power cut leaves, is OPEN, and named',
    async (text) => {
      const root = freshRoot()
      mkdirSync(join(root, 'a'), { recursive: true })
      writeFileSync(join(root, 'a', 'state'), text)
      const store = await openStore(root)
      const { codes, faults } = await store.load()
      expect(codes[0]).toBe(STATE_CODE.OPEN)
      expect(faults[0]?.message).toContain(join(root, 'a', 'state'))
      await store.publish(await mustClaim(store), 'DONE', RECORD)
      expect(stateText(root)).toBe('DONE\n')
    },
  )

  it('but an empty state with events, which a power cut leaves, is mended by its events', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    await store.close()
    writeFileSync(join(root, 'a', 'state'), '')
    const next = await openStore(root)
    expect(await next.claim(0, FROM_OPEN)).toMatchObject({ kind: 'settled', state: 'DONE', slot: 3 })
    expect(stateText(root)).toBe('DONE\n')
  })

  const UNREADABLE: Record<string, (path: string) => void> = {
    'an empty file': (path) => writeFileSync(path, ''),
    'NUL bytes': (path) => writeFileSync(path, '\0'.repeat(40)),
    garbage: (path) => writeFileSync(path, 'garbage'),
    'half an event': (path) => writeFileSync(path, '1 CLAIM 0123456789abcdef 0'),
    'an event of a later version': (path) => writeFileSync(path, '2 CLAIM 0123456789abcdef 0 01234567\n'),
    'a megabyte of text': (path) => writeFileSync(path, 'x'.repeat(1 << 20)),
    'a directory': (path) => mkdirSync(path),
    'a link to nothing': (path) => symlinkSync('nowhere', path),
  }

  it.each(Object.keys(UNREADABLE))(
    'nor taken from an owner that its event does not name: %s',
    async (what) => {
      const root = freshRoot()
      mkdirSync(join(root, 'a'), { recursive: true })
      writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
      UNREADABLE[what]?.(join(root, 'a', 'state.ev.1'))
      const store = await openStore(root)
      const { codes, faults } = await store.load()
      expect(codes[0]).toBe(STATE_CODE.ELSEWHERE)
      expect(faults[0]?.message).toContain('state.ev.1')
      expect(await store.claim(0, FROM_OPEN)).toMatchObject({ kind: 'elsewhere', owner: 'unknown' })
      expect(await mustClaim(store, 0, { stealRunning: true })).toMatchObject({ slot: 2 })
    },
  )

  it('while a directory that a user made, without a state, is as good as none', async () => {
    const root = freshRoot()
    mkdirSync(join(root, 'a'), { recursive: true })
    writeFileSync(join(root, 'a', 'input'), 'x')
    const store = await openStore(root)
    expect((await store.load()).codes[0]).toBe(STATE_CODE.OPEN)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    expect(stateText(root)).toBe('DONE\n')
  })
})
