import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBatchWith } from '@mpibatch/batch-core'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import type { CommandRunner } from '../../src/command/command-runner.ts'
import { parseHalt } from '../../src/input/halt.ts'
import { runSlots, type SlotRunOptions } from '../../src/run/slot-run.ts'
import { StopControl } from '../../src/run/stop-control.ts'

const TASKS = ['t0', 't1', 't2', 't3']

/**
 * Runs the tasks in one slot, each as a function that returns an exit code, and returns what stood in the state file of
 * the task before when each began; the function can look again.
 */
async function statesBefore(
  run: (name: string, before: () => string | undefined) => number | Promise<number>,
  options: Partial<SlotRunOptions> = {},
): Promise<(string | undefined)[]> {
  const root = temporaryDirectory()
  const seen: (string | undefined)[] = []
  const runner: CommandRunner = {
    run: async ({ argv: [name = ''] }) => {
      const last = TASKS[TASKS.indexOf(name) - 1]
      const before = (): string | undefined =>
        last === undefined ? undefined : readFileSync(join(root, last, 'state'), 'utf8').trim()
      seen.push(before())
      const exitCode = await run(name, before)
      const reason = exitCode === 0 ? 'done' : 'exit'
      return { reason, exitCode, startedAtMs: Date.now(), durationMs: 0 }
    },
    hold: () => undefined,
    goOn: () => undefined,
  }
  const stop = new StopControl(() => undefined)
  const settings = {
    root,
    tasks: TASKS,
    durability: 'none',
    signal: stop.drain,
  } as const
  const batch = await openBatchWith(settings, createFsStateProvider)
  try {
    await runSlots({
      batch,
      runner,
      slots: 1,
      groupSize: 1,
      groupRanks: [0],
      render: ({ name }) => [name],
      inTaskDirectory: false,
      environment: {},
      timeoutMs: undefined,
      retries: 0,
      logs: 'none',
      halt: undefined,
      stop,
      onMessage: () => undefined,
      ...options,
    })
    return seen
  } finally {
    const counts = await batch.close()
    expect(counts.RUNNING).toBe(0)
  }
}

describe('the next command of a slot', () => {
  it('starts before the result of the last one is written', async () => {
    expect(await statesBefore(() => 0)).toEqual([undefined, 'RUNNING', 'RUNNING', 'RUNNING'])
  })

  it('starts after a failure is written', async () => {
    const states = await statesBefore((name) => (name === 't1' ? 1 : 0))
    expect(states).toEqual([undefined, 'RUNNING', 'FAILED', 'RUNNING'])
  })

  it('starts after the result is written if that may end the run', async () => {
    const halt = parseHalt('soon,done=3')
    expect(await statesBefore(() => 0, { halt })).toEqual([undefined, 'DONE', 'DONE'])
  })

  it('has the result written while it runs, not after it', async () => {
    const states = await statesBefore(async (_, before) => {
      await waitUntil(() => before() !== 'RUNNING')
      return 0
    })
    expect(states).toHaveLength(TASKS.length)
  })
})
