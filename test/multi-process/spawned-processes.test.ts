import { execFile, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { addonPath } from '@mpibatch/native-mpi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'
import { processState } from './store-actors.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/spawn-processes.mjs')
/** No other process of the machine has this user, so that its limit is the fixture's alone. */
const LONELY_USER = '54321'

const countOf = (text: string, line: string): number =>
  text.split('\n').filter((one) => one.startsWith(line)).length

/** Starts that many processes of that many seconds, and returns what the fixture printed until it ended by itself. */
async function startUnder(limits: readonly string[], count: number, seconds: number): Promise<string> {
  const words = [...limits, process.execPath, FIXTURE, String(count), String(seconds)]
  const { stdout } = await promisify(execFile)(words[0] ?? '', words.slice(1))
  return stdout
}

describe.skipIf(!existsSync(addonPath))('processes that are started by vfork', () => {
  it('keep their starter alive while one of them runs, and no longer', async () => {
    const text = await startUnder([], 3, 0.3)
    expect([countOf(text, 'started'), countOf(text, 'ended 0')]).toEqual([3, 3])
  })

  it('need no descriptor each where there are few', async () => {
    const text = await startUnder(['prlimit', '--nofile=60'], 100, 0.5)
    expect([countOf(text, 'started'), countOf(text, 'ended 0')]).toEqual([100, 100])
  })

  it.skipIf(!mayChangeUser())('say so when there may be no more', async () => {
    const limits = ['setpriv', `--reuid=${LONELY_USER}`, '--clear-groups', 'prlimit', '--nproc=30']
    const text = await startUnder(limits, 50, 0.3)
    expect(countOf(text, 'failed EAGAIN')).toBeGreaterThan(0)
    expect(countOf(text, 'failed EAGAIN') + countOf(text, 'ended 0')).toBe(50)
  })

  it('get none of the descriptors that their starter was itself given', async () => {
    const given = openSync('/dev/null', 'r')
    onTestFinished(() => closeSync(given))
    // Node marks those that it finds at its start, but looks no further than a gap.
    const unused = Array.from({ length: 37 }, () => 'ignore' as const)
    const starter = spawn(process.execPath, [FIXTURE, '1', '1000'], {
      stdio: ['ignore', 'pipe', 'inherit', ...unused, given],
    })
    onTestFinished(() => void starter.kill('SIGKILL'))
    let text = ''
    starter.stdout?.on('data', (chunk) => {
      text += chunk
    })
    const pid = await waitUntil(() => /started (\d+)\n/.exec(text)?.[1])
    expect(readdirSync(`/proc/${starter.pid}/fd`)).toContain('40')
    expect(readdirSync(`/proc/${pid}/fd`).toSorted()).toEqual(['0', '1', '2'])
  })

  it('are killed with the thread that started them', async () => {
    const starter = spawn(process.execPath, [FIXTURE, '2', '1000', 'thread'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void starter.kill('SIGKILL'))
    let text = ''
    starter.stdout.on('data', (chunk) => {
      text += chunk
    })
    await waitUntil(() => countOf(text, 'started') === 2)
    const pids = [...text.matchAll(/started (\d+)/g)].map(([, pid]) => Number(pid))
    expect(pids.map(processState)).toEqual(['S', 'S'])
    starter.stdin.write('\n')
    await waitUntil(() => countOf(text, 'terminated') === 1)
    await waitUntil(() => pids.every((pid) => ['Z', 'X', undefined].includes(processState(pid))))
  })
})

function mayChangeUser(): boolean {
  try {
    // It must be able to read the program, too.
    execFileSync('setpriv', [`--reuid=${LONELY_USER}`, '--clear-groups', 'test', '-r', FIXTURE], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}
