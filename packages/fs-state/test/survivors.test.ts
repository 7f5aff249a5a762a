import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileLayer } from '../src/index.ts'
import { readProcessStat } from '../src/process-identity.ts'
import { endProcessesWith, endSurvivors } from '../src/survivors.ts'
import { freshRoot } from './store-harness.ts'

const INSTANCE = '0123456789abcdef'

/** A process group of its own that lives until it is ended. */
async function startGroup(
  environment: Record<string, string> = {},
): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn('sleep', ['600'], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...environment },
  })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, pid }
}

/** A root with an instance that has recorded this process group. */
function rootWithRecord(pid: number): { root: string; directory: string } {
  const root = freshRoot()
  const directory = join(root, '.mpibatch/i', INSTANCE)
  mkdirSync(directory, { recursive: true })
  const { startTime } = readProcessStat(pid) ?? { startTime: '' }
  const line = { kind: 'start', task: 'a', slot: 1, processGroup: pid, startTime, atMs: 0 }
  writeFileSync(join(directory, 'attempts.0'), `${JSON.stringify(line)}\n`)
  return { root, directory }
}

describe('processes that outlived their instance', () => {
  it('are ended by the group that it recorded', async () => {
    const { child, pid } = await startGroup()
    const ended = once(child, 'exit')
    expect(await endSurvivors(nodeFileLayer, rootWithRecord(pid).root, INSTANCE)).toEqual([])
    expect((await ended)[1]).toBe('SIGKILL')
  })

  it.skipIf(process.geteuid?.() !== 0)('are left alone where another user wrote the record', async () => {
    const { child, pid } = await startGroup()
    const { root, directory } = rootWithRecord(pid)
    chownSync(directory, 12_345, 12_345)
    expect(await endSurvivors(nodeFileLayer, root, INSTANCE)).toEqual([])
    expect([child.exitCode, child.signalCode]).toEqual([null, null])
  })

  it('are ended by their environment only if all of it fits', async () => {
    const one = await startGroup({ MPIBATCH_INSTANCE: INSTANCE, MPIBATCH_TASK: 'a', MPIBATCH_CLAIM: '1' })
    const other = await startGroup({ MPIBATCH_INSTANCE: INSTANCE, MPIBATCH_TASK: 'a', MPIBATCH_CLAIM: '3' })
    const ended = once(one.child, 'exit')
    const wanted = { MPIBATCH_INSTANCE: INSTANCE, MPIBATCH_TASK: 'a', MPIBATCH_CLAIM: '1' }
    expect(await endProcessesWith(wanted)).toEqual([])
    expect((await ended)[1]).toBe('SIGKILL')
    expect([other.child.exitCode, other.child.signalCode]).toEqual([null, null])
  })
})
