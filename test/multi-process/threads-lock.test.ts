import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startThreads } from '@mpibatch/batch-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const ROUNDS = 200
const ADDITIONS = 5000

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url)
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mpibatch-threads-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('the token lock between threads', () => {
  test.each([1, 2, 3, 4])('loses no addition to a file or to plain memory on %i ranks', async (count) => {
    const counterFile = join(directory, 'counter')
    writeFileSync(counterFile, '0')
    const argv = [counterFile, `${ROUNDS}`, `${ADDITIONS}`]
    const { failure } = await startThreads({ count, script: fixture('threads-lock.mjs'), argv }).ended
    expect(failure).toBeUndefined()
    expect(readFileSync(counterFile, 'utf8')).toBe(`${count * ROUNDS}`)
    expect(readFileSync(`${counterFile}.words`, 'utf8')).toBe(`${count * ADDITIONS}`)
  })

  test('goes to the ranks in the order in which they asked', async () => {
    const orderFile = join(directory, 'order')
    const rounds = 50
    const argv = [orderFile, `${rounds}`]
    const { failure } = await startThreads({ count: 4, script: fixture('threads-order.mjs'), argv }).ended
    expect(failure).toBeUndefined()
    const expected = Array.from({ length: rounds }, (_, round) =>
      [1, 2, 3].map((turn) => `${round} ${turn}`),
    ).flat()
    expect(readFileSync(orderFile, 'utf8').trimEnd().split('\n')).toEqual(expected)
  })
})
