import { startThreads, type ThreadJobResult } from '@mpibatch/batch-core'
import { describe, expect, test } from 'vitest'

const script = new URL('./fixtures/threads-ending.mjs', import.meta.url)
/** Time in which the other ranks have to be gone after one has failed, in milliseconds. */
const ENDING_MS_MAX = 2000

/** Runs a job whose rank 1 ends in this way. */
function endedBy(how: string): Promise<ThreadJobResult> {
  return startThreads({ count: 3, script, argv: [how], resourceLimits: { maxOldGenerationSizeMb: 32 } }).ended
}

describe('a job of threads', () => {
  test.each([
    ['throws', 'throw', 1, 'thrown on purpose'],
    ['throws what is no error', 'throwText', 1, "The job script threw 'a text, thrown on purpose'"],
    ['leaves a rejection to nobody', 'reject', 1, 'rejected on purpose'],
    ['exits with a code', 'exit', 3, 'Rank 1 ended with exit code 3'],
    ['sets an exit code', 'exitCode', 4, 'Rank 1 ended with exit code 4'],
    ['runs out of memory', 'memory', 1, 'memory limit'],
    ['waits for what never comes', 'forever', 13, 'waited for something that can no longer happen'],
  ])('ends all ranks when one %s', async (_, how, exitCode, message) => {
    const { failure, exitCodes, terminated } = await endedBy(how)
    expect(failure?.rank).toBe(1)
    expect(failure?.exitCode).toBe(exitCode)
    expect(failure?.error.message).toContain(message)
    expect(exitCodes).toHaveLength(3)
    expect(terminated).toBe(false)
  })

  test('gives the stack of what a rank threw', async () => {
    const { failure } = await endedBy('throw')
    expect(failure?.error.stack).toContain('threads-ending.mjs')
  })

  test('fails where ranks wait for one that ended too early', async () => {
    const { failure } = await endedBy('early')
    expect(failure?.rank).not.toBe(1)
    expect(failure?.error).toMatchObject({ code: 'ERR_MPIBATCH_RANK_LOST' })
    expect(failure?.error.message).toContain('Rank 1 has ended')
  })

  test('ends ranks that never return to their event loop, within two seconds', async () => {
    const job = startThreads({ count: 2, script, argv: ['busy'] })
    let busyAt = Number.NaN
    job.onBatch(() => {
      busyAt = performance.now()
      job.drain()
    })
    const { failure } = await job.ended
    expect(failure?.error.message).toBe('thrown beside a busy rank')
    expect(performance.now() - busyAt).toBeLessThan(ENDING_MS_MAX)
  })

  test('is gone when terminate resolves', async () => {
    const job = startThreads({ count: 1, script, argv: ['busy'] })
    await new Promise<unknown>((resolve) => job.onBatch(resolve))
    await job.terminate()
    expect(await job.ended).toEqual({ failure: undefined, terminated: true, exitCodes: [1] })
  })

  test('says which script is missing', async () => {
    const { failure } = await startThreads({ count: 2, script: 'no/such/script.mjs' }).ended
    expect(failure?.error.message).toContain('no/such/script.mjs')
  })

  test('needs a number of ranks', () => {
    for (const count of [0, -1, 1.5]) expect(() => startThreads({ count, script })).toThrow('take 1 or more')
  })
})
