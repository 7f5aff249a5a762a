import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startThreads } from '@mpibatch/batch-core'
import { contractCases } from '@mpibatch/batch-core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const script = new URL('./fixtures/threads-contract.mjs', import.meta.url)
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mpibatch-threads-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('communicators between threads', () => {
  test.each([1, 2, 3, 4])('keep the whole contract on %i ranks', async (count) => {
    const report = join(directory, 'passed.json')
    const { failure, exitCodes } = await startThreads({ count, script, argv: [report] }).ended
    expect(failure).toBeUndefined()
    expect(exitCodes).toEqual(new Array(count).fill(0))
    const names = contractCases.map(({ name }) => name)
    expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(new Array(count).fill(names))
  })
})
