import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  FencedError,
  StateCorruptError,
  StateIoError,
  type StateStore,
  VALUE_SIZE_MAX,
} from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collectGarbage } from '../src/gc.ts'
import { type FileCall, faultyFileLayer } from './faulty-file-layer.ts'
import { PROPERTY } from './property-options.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD, stateText } from './store-harness.ts'

/** Claims task 0, keeps a value, and makes the task DONE. */
async function keepDone(store: StateStore, text: string | undefined, from = {}): Promise<void> {
  const claim = await mustClaim(store, 0, from)
  if (text !== undefined) await store.keepValue(claim, text)
  await store.publish(claim, 'DONE', RECORD)
}

const valueFile = (root: string, slot: number): string => join(root, 'a', `state.value.${slot}.json`)

/** A root whose task is DONE with this value, by an instance that has ended. */
async function doneRoot(text: string | undefined): Promise<string> {
  const root = freshRoot()
  const store = await openStore(root, plan('a'), { durability: 'terminal' })
  await keepDone(store, text)
  await store.close()
  return root
}

async function valueIn(root: string): Promise<string | undefined> {
  const store = await openStore(root)
  const text = await store.readValue(0)
  await store.close()
  return text
}

async function runAgain(root: string, text: string | undefined): Promise<void> {
  const store = await openStore(root)
  await keepDone(store, text, { rerun: true })
  await store.close()
}

describe('a value', () => {
  it('is read by later instances, whatever JSON it is, and also where there is none', async () => {
    const texts = ['{"a":[1,2,"\\n"]}', 'null', '""', '', `"${'ü'.repeat(VALUE_SIZE_MAX / 2 - 1)}"`]
    for (const text of texts) expect(await valueIn(await doneRoot(text))).toBe(text)
    expect(await valueIn(await doneRoot(undefined))).toBeUndefined()
  })

  it('counts if its claim has made the task DONE, and then only until another one does', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    const failing = await mustClaim(store)
    await store.keepValue(failing, '1')
    expect(await store.readValue(0)).toBeUndefined()
    await store.publish(failing, 'FAILED', RECORD)
    expect(await store.readValue(0)).toBeUndefined()
    await keepDone(store, '2', { retryFailed: true })
    expect(await store.readValue(0)).toBe('2')
    const again = await mustClaim(store, 0, { rerun: true })
    expect(await store.readValue(0)).toBeUndefined()
    await store.publish(again, 'DONE', RECORD)
    expect(await store.readValue(0)).toBeUndefined()
    await keepDone(store, '3', { rerun: true })
    expect(await store.readValue(0)).toBe('3')
  })

  it('of an owner that was taken over changes nothing, early or late', async () => {
    const root = freshRoot()
    const late = await openStore(root)
    const claim = await mustClaim(late)
    await late.keepValue(claim, '"early"')
    pretendDead(root, late.instance)
    const successor = await openStore(root)
    await keepDone(successor, '"right"')
    await late.keepValue(claim, '"late"')
    await expect(late.publish(claim, 'DONE', RECORD)).rejects.toThrow(FencedError)
    expect(await successor.readValue(0)).toBe('"right"')
  })

  it('is there when DONE was completed for an owner that died', async () => {
    const root = freshRoot()
    const dying = await openStore(root, plan('a'), {
      onStep: ({ kind, step }) => {
        if (kind === 'DONE' && step === 'P2') throw new Error('killed by the test')
      },
    })
    await expect(keepDone(dying, '5')).rejects.toThrow('killed')
    pretendDead(root, dying.instance)
    const store = await openStore(root)
    expect(await store.claim(0, { lastSeen: 0, from: {} })).toMatchObject({ kind: 'settled', state: 'DONE' })
    expect(await store.readValue(0)).toBe('5')
  })

  it('is on the disk before its DONE is, and its task is not DONE where it could not be written', async () => {
    const full: FileCall[] = []
    const files = faultyFileLayer((call) => {
      if (!call.path.endsWith('state.value.1.json') || call.name !== 'sync') return undefined
      full.push(call)
      return { code: 'ENOSPC' }
    })
    const root = freshRoot()
    const store = await openStore(root, plan('a'), { files, durability: 'terminal' })
    await expect(keepDone(store, '1')).rejects.toThrow(StateIoError)
    expect(full).toHaveLength(1)
    expect(stateText(root)).toBe('RUNNING\n')
  })

  it('survives gc, which removes all others, and is not taken for that of a claim with the same number', async () => {
    const root = await doneRoot('1')
    for (const text of [undefined, '3', '4']) await runAgain(root, text)
    expect(await collectGarbage(root)).toMatchObject({ values: 2 })
    expect(await valueIn(root)).toBe('4')
    const path = valueFile(root, 10)
    expect(existsSync(path)).toBe(true)
    // Slots begin again: 1 opens the task, 2 claims it. An old file stands in the place of the value of slot 2.
    rmSync(path)
    const old = { format: 'mpibatch value', version: 1, slot: 2, instance: '0123456789abcdef' }
    writeFileSync(valueFile(root, 2), `${JSON.stringify(old)}\n"old"\n`)
    await runAgain(root, undefined)
    expect(await valueIn(root)).toBeUndefined()
    expect(await collectGarbage(root)).toMatchObject({ values: 1 })
    expect(await valueIn(root)).toBeUndefined()
    writeFileSync(valueFile(root, 2), `${JSON.stringify(old)}\n"old"\n`)
    await runAgain(root, '"new"')
    expect(await valueIn(root)).toBe('"new"')
  })
})

describe('an owner that is killed while it keeps a value and makes its task DONE', () => {
  it('at any of its calls has either made both, or the next one makes both', async () => {
    const outcomes: string[] = []
    const seen = new Set<string>()
    for (let killedAt = 0, died = true; died; killedAt += 1) {
      died = false
      let count = 0
      let isCounting = false
      const files = faultyFileLayer(() => {
        if (isCounting) count += 1
        died ||= count > killedAt
        return died ? { code: 'EKILLED' } : undefined
      })
      const root = freshRoot()
      const first = await openStore(root, plan('a'), { files, durability: 'terminal' })
      const claim = await mustClaim(first)
      isCounting = true
      try {
        await first.keepValue(claim, '"first"')
        await first.publish(claim, 'DONE', RECORD)
      } catch {
        // Killed.
      }
      pretendDead(root, first.instance)
      const next = await openStore(root, plan('a'))
      const outcome = await next.claim(0, { lastSeen: 0, from: {} })
      if (outcome.kind === 'claimed') {
        if (killedAt % 2 === 0) await next.keepValue(outcome.claim, '"next"')
        await next.publish(outcome.claim, 'DONE', RECORD)
      }
      const value = await next.readValue(0)
      const own = killedAt % 2 === 0 ? '"next"' : undefined
      const expected = outcome.kind === 'claimed' ? own : '"first"'
      if (value !== expected || stateText(root) !== 'DONE\n')
        outcomes.push(`${killedAt}: ${outcome.kind}, ${value}, ${stateText(root)}`)
      seen.add(outcome.kind)
      await next.close()
      rmSync(root, { recursive: true })
    }
    expect(outcomes).toEqual([])
    expect([...seen].sort()).toEqual(['claimed', 'settled'])
  })
})

describe('a file in the place of a value', () => {
  it('that holds something else is named, and nothing of it is believed', async () => {
    const root = await doneRoot('1')
    const path = valueFile(root, 1)
    const whole = readFileSync(path, 'utf8')
    const texts = ['', '{}', '{}\n1\n', whole.slice(0, -1), whole.split('\n', 1)[0] ?? '', `[${whole}]`]
    const wrong = [whole.replace('"slot":1', '"slot":2'), whole.replace('"version":1', '"version":2')]
    for (const text of [...texts, ...wrong, `${whole}${' '.repeat(VALUE_SIZE_MAX + 300)}\n`]) {
      writeFileSync(path, text)
      await expect(valueIn(root), text.slice(0, 100)).rejects.toThrow(StateCorruptError)
    }
    for (const place of [() => mkdirSync(path), () => symlinkSync('/etc/passwd', path)]) {
      rmSync(path, { recursive: true })
      place()
      await expect(valueIn(root)).rejects.toThrow(path)
    }
  })

  it('never gives anything but what was kept or an error, whatever bytes are changed', async () => {
    const root = await doneRoot('{"value":12345}')
    const path = valueFile(root, 1)
    const whole = readFileSync(path)
    const store = await openStore(root)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.uint8Array({ maxLength: 40 }), async (at, bytes) => {
        writeFileSync(path, Buffer.concat([whole.subarray(0, at), bytes]))
        const text = await store.readValue(0).catch((error: unknown) => {
          if (!(error instanceof StateCorruptError)) throw error
          return undefined
        })
        // Torn within its last line it is known by the missing newline.
        if (text !== undefined) expect(whole.subarray(0, at).includes(0x0a)).toBe(true)
      }),
      { ...PROPERTY, numRuns: 300 },
    )
  })
})
