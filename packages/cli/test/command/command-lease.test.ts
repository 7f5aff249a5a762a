import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LeaseState, PERMANENT_LEASE, type StoreLease } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import type { ProcessStarter } from '../../src/command/process-starter.ts'
import { runShell, STARTERS_OF_RUNS, textOf } from './command-harness.ts'

/** Looks at a lease in doubt, 10 ms from each other, in which a command would have ended that nobody holds. */
const LOOKS_IN_DOUBT = 30

describe.each(STARTERS_OF_RUNS)(
  'a command whose lease runs out before any look of its runner, %s',
  (_, open) => {
    it('does not get to its end before the lease is valid again, and never if it is lost', async () => {
      // What is started at the last moment may have begun when it is held.
      const line = 'sleep 0.2; echo worked'
      const valid = new ChangingLease()
      await runShell(temporaryDirectory(), line, { runner: { open, lease: valid } })
      expect(valid.looks).toBeGreaterThan(1)
      const losesItAt = async (look: number, end: 'valid' | 'lost'): Promise<void> => {
        const directory = temporaryDirectory()
        const lease = new ChangingLease(look)
        const ran = runShell(directory, line, { runner: { open, lease } })
        await waitUntil(() => lease.looks > look + LOOKS_IN_DOUBT)
        expect(textOf(join(directory, 'stdout'))).toBe('')
        lease.change(end)
        expect(await ran).toMatchObject(
          end === 'valid'
            ? { result: { reason: 'done' }, stdout: 'worked\n' }
            : { result: { reason: 'interrupted' }, stdout: '' },
        )
      }
      const looks = Array.from({ length: valid.looks }, (_value, look) => look)
      await Promise.all(looks.flatMap((look) => [losesItAt(look, 'valid'), losesItAt(look, 'lost')]))
    })

    it('is looked at again when the start came too late', async () => {
      const lease = new ChangingLease()
      const looks: number[] = []
      const lateStarter = async (): Promise<ProcessStarter> => {
        const starter = await open()
        return {
          prepare: (start) => {
            const begin = starter.prepare(start)
            return async () => {
              looks.push(lease.looks)
              if (looks.length > 1) return await begin()
              throw Object.assign(new Error('too late'), { code: 'ECANCELED' })
            }
          },
        }
      }
      const ran = await runShell(temporaryDirectory(), 'echo worked', {
        runner: { open: lateStarter, lease },
      })
      expect(ran).toMatchObject({ result: { reason: 'done' }, stdout: 'worked\n' })
      expect(looks).toHaveLength(2)
      expect(looks[1]).toBeGreaterThan(looks[0] ?? 0)
    })

    it('does not wait when the run ends, and leaves alone the logs, which may be a successor’s', async () => {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, 'stdout'), 'of the successor')
      const lease = new ChangingLease(0)
      const stop = new AbortController()
      const stopped = runShell(directory, 'echo started', { runner: { open, lease }, signal: stop.signal })
      await waitUntil(() => lease.looks > 3)
      stop.abort()
      expect(await stopped).toMatchObject({ result: { reason: 'interrupted' }, stdout: 'of the successor' })
      lease.change('lost')
      const lost = await runShell(directory, 'echo started', { runner: { open, lease } })
      expect(lost).toMatchObject({ result: { reason: 'interrupted' }, stdout: 'of the successor' })
    })
  },
)

/** A lease that is in doubt after so many looks at it, until it is told what has become of it. */
class ChangingLease implements StoreLease {
  looks = 0
  #end: LeaseState | undefined
  readonly #looksValid: number

  constructor(looksValid = Number.POSITIVE_INFINITY) {
    this.#looksValid = looksValid
  }

  get state(): LeaseState {
    this.looks += 1
    return this.#end ?? (this.looks > this.#looksValid ? 'suspect' : 'valid')
  }

  change(end: LeaseState): void {
    this.#end = end
  }

  readonly check = PERMANENT_LEASE.check
  /** As if its timers came too late. */
  readonly onChange = PERMANENT_LEASE.onChange
}
