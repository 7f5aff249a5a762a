import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { ProcessEnvironments } from '../src/process-environments.ts'

async function startSleep(environment: Record<string, string>): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], { env: environment })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child
}

/** A directory that shows processes as `/proc` does; a stuck one has a pipe that nobody writes to. */
function showProcesses(processes: Readonly<Record<number, string | 'stuck'>>): string {
  const directory = temporaryDirectory()
  for (const [pid, text] of Object.entries(processes)) {
    mkdirSync(join(directory, pid))
    const path = join(directory, pid, 'environ')
    if (text === 'stuck') expect(spawnSync('mkfifo', [path]).status).toBe(0)
    else writeFileSync(path, text)
  }
  return directory
}

describe('the environments of processes', () => {
  it('are those that they began with, and empty for one that is gone', async () => {
    const child = await startSleep({ MPIBATCH_INSTANCE: 'abc', MPIBATCH_TASK: 'größer\n2' })
    const gone = spawnSync('true').pid
    const environments = await new ProcessEnvironments().read([gone, child.pid ?? 0, process.pid])
    expect(environments.get(child.pid ?? 0)).toEqual(
      expect.arrayContaining(['MPIBATCH_INSTANCE=abc', 'MPIBATCH_TASK=größer\n2']),
    )
    expect(environments.get(gone)).toEqual([''])
    expect(environments.get(process.pid)?.some((entry) => entry.startsWith('PATH='))).toBe(true)
  })

  it('are read beyond a process that is stuck, which is not asked again soon', async () => {
    const directory = showProcesses({ 1: 'A=1\0', 2: 'stuck', 3: 'A=3\0B=\0', 4: 'stuck' })
    const environments = new ProcessEnvironments(directory)
    const expected = new Map([
      [1, ['A=1', '']],
      [3, ['A=3', 'B=', '']],
    ])
    expect(await environments.read([1, 2, 3, 4])).toEqual(expected)
    const startMs = performance.now()
    expect(await environments.read([1, 2, 3, 4])).toEqual(expected)
    expect(performance.now() - startMs).toBeLessThan(1500)
  })

  it('are read for several who ask at once, each what it asked for', async () => {
    const environments = new ProcessEnvironments(showProcesses({ 1: 'A=1', 2: 'A=2', 3: 'A=3' }))
    const asked = [[1, 2], [], [3], [2, 3, 1]]
    const answers = await Promise.all(asked.map((pids) => environments.read(pids)))
    expect(answers.map((texts) => [...texts])).toEqual(
      asked.map((pids) => pids.map((pid) => [pid, [`A=${pid}`]])),
    )
  })
})
