/** The live page's server as a program: how it starts, ends, and does what commands do. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cookieOf, serve } from '../support/live-server.ts'
import { countStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A directory with a root that has one task, DONE. */
function directoryWithRoot(): string {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'mpibatch.out/a'), { recursive: true })
  writeFileSync(join(cwd, 'mpibatch.out/a/state'), 'DONE\n')
  return cwd
}

describe('serve', () => {
  it('explains a task, and recovers what a dead run has left, as the commands do', async () => {
    const cwd = temporaryDirectory()
    const run = startProgram(['run', '--name', '{}', '-c', 'touch started-{}; sleep 600', ':::', 'a'], {
      cwd,
    })
    await waitUntil(() => existsSync(join(cwd, 'started-a')), { describe: run.stderr })
    const { link, origin } = await serve(['--allow-actions'], { cwd })
    const headers = { cookie: await cookieOf(link), origin, 'x-mpibatch-action': '1' }
    const get = async (path: string): Promise<string> => (await fetch(`${origin}${path}`, { headers })).text()
    const recover = async (): Promise<unknown> => {
      const answer = await fetch(`${origin}/api/recover`, { method: 'POST', headers, body: '{"tasks":[]}' })
      return answer.json()
    }
    expect(JSON.parse(await get('/api/task?task=a'))).toMatchObject({ state: 'RUNNING', ownerAlive: true })
    expect(await recover()).toEqual({ done: true, said: ['0 tasks OPEN again.'] })
    run.child.kill('SIGKILL')
    await run.ended
    expect(await get('/api/explanation?task=a')).toMatch(/^a is RUNNING\. Instance .* had it, and is dead/)
    expect(await recover()).toEqual({ done: true, said: ['1 task OPEN again.'] })
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ OPEN: 1 })
  })

  it('tells how a task has ended in the words of a list', async () => {
    const cwd = temporaryDirectory()
    const line = [
      'run',
      '--name',
      '{}',
      '--timeout',
      '500ms',
      '-c',
      'case {} in slow) sleep 600;; bad) exit 3;; esac',
    ]
    await runProgram([...line, ':::', 'slow', 'bad', 'good'], { cwd })
    const { link, origin } = await serve([], { cwd })
    const headers = { cookie: await cookieOf(link) }
    for (const [task, outcome] of Object.entries({ slow: 'timeout', bad: 'exit 3', good: 'exit 0' })) {
      const facts = await (await fetch(`${origin}/api/task?task=${task}`, { headers })).json()
      expect(facts).toMatchObject({ name: task, outcome })
    }
    const { stdout } = await runProgram(['list'], { cwd })
    expect(stdout).toMatch(/^slow +FAILED +1 +timeout /m)
  })

  it('ends at once when it is interrupted, also while somebody looks', async () => {
    const cwd = directoryWithRoot()
    const ends = (['SIGINT', 'SIGTERM'] as const).map(async (signal) => {
      const { link, origin, program } = await serve([], { cwd })
      const events = await fetch(`${origin}/api/events`, { headers: { cookie: await cookieOf(link) } })
      expect(events.status).toBe(200)
      const start = performance.now()
      program.child.kill(signal)
      const { exitCode } = await program.ended
      expect(performance.now() - start).toBeLessThan(5000)
      await events.text().catch(() => undefined)
      return exitCode
    })
    expect(await Promise.all(ends)).toEqual([130, 143])
  })

  it('says what is wrong with a root or a port', async () => {
    const cwd = directoryWithRoot()
    const { origin } = await serve([], { cwd })
    const wrong = [['nowhere'], ['--port', '65536'], ['--port', new URL(origin).port]]
    const ended = await Promise.all(wrong.map((argv) => runProgram(['serve', ...argv], { cwd })))
    expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
      [2, expect.stringContaining('There is no task root "nowhere"')],
      [2, expect.stringContaining('--port was given "65536"; it takes a whole number from 1 to 65535')],
      [2, expect.stringContaining('is in use. Name another with --port')],
    ])
  })
})
