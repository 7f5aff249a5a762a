import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type AnnouncedBatch, startThreads } from '@mpibatch/batch-core'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
/** Shorter than the test's own limit, so that a hanging program is ended by name. */
const PROGRAM_MS_MAX = 30_000

describe('the runtime of a thread', () => {
  test('carries options, arguments, environment, announcements and the wish to stop', async () => {
    const script = fixture('threads-runtime.mjs')
    const options = { root: 'out', tasks: [{ name: 'a' }], groupSize: 2 }
    const env = { MPIBATCH_TEST: 'here' }
    const job = startThreads({ count: 3, script, argv: ['--fast', 'x'], options, env })
    const batch = await new Promise<AnnouncedBatch>((resolve) => job.onBatch(resolve))
    job.drain()
    expect(await job.ended).toEqual({ failure: undefined, terminated: false, exitCodes: [0, 0, 0] })
    const seen = { size: 3, protocol: 1, options, argv: [script, '--fast', 'x'], variable: 'here' }
    expect(JSON.parse(batch.root ?? '')).toEqual([0, 1, 2].map((rank) => ({ rank, ...seen })))
    expect(Atomics.load(batch.table, 0)).toBe(7)
  })
})

describe('what threads print', () => {
  test.each(['return', 'exit'])('is complete after the ranks %s', async (how) => {
    const lines = 3000
    const argv = [fixture('start-threads.mjs'), '3', fixture('threads-output.mjs'), `${lines}`, how]
    const { stdout, stderr } = await run(process.execPath, argv, { timeout: PROGRAM_MS_MAX, maxBuffer: 1e8 })
    const printed = stdout.trimEnd().split('\n')
    expect(printed.pop()).toBe(JSON.stringify({ terminated: false, exitCodes: [0, 0, 0] }))
    for (const rank of [0, 1, 2]) {
      const own = printed.filter((line) => line.startsWith(`rank ${rank} `)).map((line) => line.split(' ')[3])
      expect(own).toEqual(Array.from({ length: lines }, (_, line) => `${line}`))
      expect(stderr).toContain(`rank ${rank} is done`)
    }
  })
})
