import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import type { Command } from '../../src/command/command-runner.ts'
import type { ProcessStarter } from '../../src/command/process-starter.ts'
import { processState, run, runShell, STARTERS_OF_RUNS, textOf } from './command-harness.ts'

/** Longer than any test may take: a command that is given so much grace must not need it. */
const GRACE_MS_AMPLE = 60_000

/** Starts a shell line and waits until it has printed `ready`. */
async function startShell(line: string, options: Parameters<typeof runShell>[2] = {}) {
  const directory = temporaryDirectory()
  const stop = new AbortController()
  const kill = new AbortController()
  const signals: Partial<Command> = { signal: stop.signal, killSignal: kill.signal }
  const ran = runShell(directory, line, { ...signals, ...options })
  onTestFinished(() => kill.abort())
  await waitUntil(() => textOf(join(directory, 'stdout')).includes('ready'))
  return { directory, ran, interrupt: () => stop.abort(), kill: () => kill.abort() }
}

describe('a time-out', () => {
  it('ends the command with TERM and counts as one', async () => {
    const { result } = await run(temporaryDirectory(), ['sleep', '1000'], {
      timeoutMs: 100,
      runner: { graceMs: GRACE_MS_AMPLE },
    })
    expect(result).toMatchObject({
      reason: 'timeout',
      signal: 'SIGTERM',
      message: 'It ran longer than 0.1 s.',
    })
    expect(result.durationMs).toBeGreaterThanOrEqual(99)
  })

  it('counts as one even if the command then exits with 0', async () => {
    const { result } = await runShell(
      temporaryDirectory(),
      'trap "exit 0" TERM; while :; do sleep 0.02; done',
      {
        timeoutMs: 1000,
        runner: { graceMs: GRACE_MS_AMPLE },
      },
    )
    expect(result).toMatchObject({ reason: 'timeout', exitCode: 0 })
  })

  it('kills a command that ignores TERM, when the grace is over', async () => {
    const { result } = await runShell(temporaryDirectory(), 'trap "" TERM; while :; do sleep 0.02; done', {
      timeoutMs: 1000,
      runner: { graceMs: 200 },
    })
    expect(result).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' })
    expect(result.durationMs).toBeGreaterThanOrEqual(1199)
  })

  it('of more than 24.8 days, the longest delay of a timer, does not end the command at once', async () => {
    const { result } = await run(temporaryDirectory(), ['sleep', '0.05'], { timeoutMs: 2 ** 31 + 1000 })
    expect(result.reason).toBe('done')
  })
})

describe.each(STARTERS_OF_RUNS)('an interruption of a command, %s', (_, open) => {
  it('before the start means that nothing starts', async () => {
    const directory = temporaryDirectory()
    const { result } = await run(directory, ['touch', 'started'], {
      runner: { open },
      signal: AbortSignal.abort(),
    })
    expect(result.reason).toBe('interrupted')
    expect(textOf(join(directory, 'started'))).toBe('')
  })

  it('while it waits for its turn to start ends it as soon as it runs', async () => {
    const stop = new AbortController()
    const lateStarter = async (): Promise<ProcessStarter> => {
      const starter = await open()
      const prepare: ProcessStarter['prepare'] = (start) => {
        const begin = starter.prepare(start)
        return async () => {
          const started = await begin()
          stop.abort()
          return started
        }
      }
      return { prepare }
    }
    const { result } = await run(temporaryDirectory(), ['sleep', '1000'], {
      runner: { open: lateStarter, graceMs: GRACE_MS_AMPLE },
      signal: stop.signal,
    })
    expect(result).toMatchObject({ reason: 'interrupted', signal: 'SIGTERM' })
  })

  it('ends the command with TERM', async () => {
    const { ran, interrupt } = await startShell('echo ready; sleep 1000', {
      runner: { open, graceMs: GRACE_MS_AMPLE },
    })
    interrupt()
    expect((await ran).result).toMatchObject({ reason: 'interrupted', signal: 'SIGTERM' })
  })

  it('kills a command that ignores TERM, when the grace is over', async () => {
    const line = 'trap "" TERM; echo ready; while :; do sleep 0.02; done'
    const { ran, interrupt } = await startShell(line, { runner: { open, graceMs: 100 } })
    interrupt()
    expect((await ran).result).toMatchObject({ reason: 'interrupted', signal: 'SIGKILL' })
  })

  it('followed by a kill does not wait for the grace', async () => {
    const line = 'trap "" TERM; echo ready; while :; do sleep 0.02; done'
    const { ran, interrupt, kill } = await startShell(line, { runner: { open, graceMs: GRACE_MS_AMPLE } })
    interrupt()
    kill()
    expect((await ran).result).toMatchObject({ reason: 'interrupted', signal: 'SIGKILL' })
  })

  it('reaches a command that is stopped', async () => {
    let leader = 0
    const { ran, interrupt } = await startShell('echo ready; kill -STOP $$', {
      onStart: ({ processGroup }) => {
        leader = processGroup
      },
      runner: { open, graceMs: GRACE_MS_AMPLE },
    })
    await waitUntil(() => processState(leader) === 'T')
    interrupt()
    expect((await ran).result).toMatchObject({ reason: 'interrupted', signal: 'SIGTERM' })
  })

  it('leaves the grace to a program whose shell has died at once', async () => {
    const saver = '(trap "sleep 0.3; echo saved; exit" TERM; echo ready; while :; do sleep 0.02; done)'
    const { ran, interrupt } = await startShell(`${saver} & wait`, {
      runner: { open, graceMs: GRACE_MS_AMPLE },
    })
    interrupt()
    expect(await ran).toMatchObject({
      result: { reason: 'interrupted', signal: 'SIGTERM' },
      stdout: 'ready\nsaved\n',
    })
  })
})

describe.each(STARTERS_OF_RUNS)('what a command leaves behind, %s', (_, open) => {
  const runner = { open }

  it('is ended before the result is given', async () => {
    const { result, stdout } = await runShell(temporaryDirectory(), 'trap "" TERM; sleep 1000 & echo $!', {
      runner,
    })
    expect(result.reason).toBe('done')
    expect(processState(Number(stdout))).toBeUndefined()
  })

  it('is not touched if it has left the process group', async () => {
    const line =
      'setsid sh -c "echo \\$\\$ > daemon; exec sleep 1000" & until [ -s daemon ]; do sleep 0.01; done'
    const directory = temporaryDirectory()
    const { result } = await runShell(directory, line, { runner })
    const daemon = Number(textOf(join(directory, 'daemon')))
    onTestFinished(() => void process.kill(daemon, 'SIGKILL'))
    expect(result.reason).toBe('done')
    expect(processState(daemon)).toBeDefined()
  })
})
