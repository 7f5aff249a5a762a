import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

describe('explain', () => {
  it('says how a task failed, with its attempts, and how to run it again', async () => {
    const cwd = temporaryDirectory()
    const line = ['--name', 't{}', '-c', 'echo "beta out of range" >&2; exit {}', ':::', '3']
    await runProgram(['run', '--root', 'my out', '--retries', '1', '--retry-delay', '1ms', ...line], { cwd })
    const { stdout, exitCode } = await runProgram(['explain', 'my out', 't3'], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^t3 is FAILED\. Attempt 2 ended as FAILED: exit code 3: beta out of range\.\n/)
    expect(stdout).toContain(`Next: nothing: it has ended. "mpibatch retry 'my out' t3" opens it again.`)
    expect(stdout).toMatch(/^2 +FAILED +\d{4}-.*Z +instance [0-9a-f]{16}, rank 0, on /m)
    expect(stdout.match(/^\d +\d +\d{4}-\S+ +\S+ \S+ +FAILED exit 3 +exit code 3: beta/gm)).toHaveLength(2)
    const record = JSON.parse((await runProgram(['explain', 'my out', 't3', '--json'], { cwd })).stdout)
    expect(record).toMatchObject({
      ...{ name: 't3', index: 0, state: 'FAILED', stateFile: 'FAILED\n', owner: null, notes: [] },
      events: [{ kind: 'CLAIM' }, { kind: 'FAILED' }, { kind: 'CLAIM' }, { kind: 'FAILED' }],
      attempts: [
        { attempt: 1, exit: 3 },
        { attempt: 2, slot: 3, exit: 3, outcome: 'ended' },
      ],
      next: { action: 'ended', state: 'FAILED' },
    })
  })

  it('says whether the owner of a running task lives, and what comes next', async () => {
    const cwd = temporaryDirectory()
    const run = startProgram(['run', '-c', 'touch {dir}/started; sleep 600; : {}', ':::', 'a'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'mpibatch.out/task_000001/started')))
    const explain = async (): Promise<string> =>
      (await runProgram(['explain', 'task_000001'], { cwd })).stdout
    const alive = await explain()
    expect(alive).toContain(
      `process ${run.child.pid}, has it, and runs on this machine; its last heartbeat is `,
    )
    expect(alive).toContain('Next: it ends by itself.')
    run.child.kill('SIGKILL')
    await run.ended
    const dead = await explain()
    expect(dead).toContain('had it, and is dead: that process of this machine is gone.')
    expect(dead).toContain('Next: the next run takes it over at once.')
  })

  it('explains what another program left, without a directory of mpibatch', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root/t'), { recursive: true })
    writeFileSync(join(cwd, 'root/t/state'), 'RUNNING\n')
    const { stdout } = await runProgram(['explain', 'root', 't'], { cwd })
    expect(stdout).toContain('t is RUNNING. Nobody knows who runs it')
    expect(stdout).toContain('"mpibatch recover --force root t"')
    expect(existsSync(join(cwd, 'root/.mpibatch'))).toBe(false)
  })

  it('refuses what is no task in one sentence', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root'))
    for (const words of [['root'], ['root', 'a', 'b'], ['root', 'nothing'], ['root', '../root']]) {
      const { exitCode, stdout, stderr } = await runProgram(['explain', ...words], { cwd })
      expect([exitCode, stdout], stderr).toEqual([2, ''])
      expect(stderr).toMatch(/^mpibatch: .*\n$/)
    }
  })

  it('does not let what stands in a file move the cursor', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root/t'), { recursive: true })
    writeFileSync(join(cwd, 'root/t/state'), '\u009b2J\u001b[2J\n')
    const { stdout } = await runProgram(['explain', 'root', 't'], { cwd })
    for (const control of ['\u001b', '\u009b']) expect(stdout).not.toContain(control)
    expect(stdout).toContain('\\x9b2J')
  })
})
