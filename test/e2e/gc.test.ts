import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

describe('mpibatch gc', () => {
  it('removes what nothing needs; what people are shown stays, and the same line goes on', async () => {
    const cwd = temporaryDirectory()
    const run = ['run', '--name', 't{}', '-c', 'exit {}', ':::', '0', '3', '00']
    await runProgram(run, { cwd })
    const list = (await runProgram(['list', '--json'], { cwd })).stdout
    const dry = await runProgram(['gc', '--dry-run'], { cwd })
    expect(dry.stdout).toMatch(/^COUNT +WOULD REMOVE\n4 +events of DONE tasks\n0 /)
    expect(existsSync(join(cwd, 'mpibatch.out/t0/state.ev.1'))).toBe(true)
    const gc = await runProgram(['gc', 'mpibatch.out'], { cwd })
    expect([gc.exitCode, gc.stderr]).toEqual([0, ''])
    expect(gc.stdout).toBe(dry.stdout.replace('WOULD REMOVE', 'REMOVED'))
    expect(readdirSync(join(cwd, 'mpibatch.out/t0')).sort()).toEqual(['state', 'stderr', 'stdout'])
    expect((await runProgram(['list', '--json'], { cwd })).stdout).toBe(list)
    const again = await runProgram(run, { cwd })
    expect([again.exitCode, again.stderr]).toEqual([
      1,
      expect.stringContaining('2 of 3 tasks DONE, 1 FAILED'),
    ])
    const retried = await runProgram([...run.slice(0, 1), '--retry-failed', ...run.slice(1)], { cwd })
    expect(retried.exitCode).toBe(1)
  })

  it('refuses while a run is at work, and names it', async () => {
    const cwd = temporaryDirectory()
    const script = 'touch begun; while [ ! -e go ]; do sleep 0.05; done; : {}'
    const run = startProgram(['run', '-c', script, ':::', 'a'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'begun')))
    for (const options of [[], ['--dry-run']]) {
      const gc = await runProgram(['gc', ...options], { cwd })
      expect([gc.exitCode, gc.stdout]).toEqual([3, ''])
      expect(gc.stderr).toMatch(
        new RegExp(
          `^mpibatch: Nothing was removed .*: instance [0-9a-f]{16} on .*, process ${run.child.pid}, `,
        ),
      )
    }
    writeFileSync(join(cwd, 'go'), '')
    expect((await run.ended).exitCode).toBe(0)
    expect((await runProgram(['gc'], { cwd })).exitCode).toBe(0)
  })

  it('works after a run that was killed: its process is gone', async () => {
    const cwd = temporaryDirectory()
    const line = ['run', '-c', 'touch begun; while [ ! -e go ]; do sleep 0.05; done; : {}', ':::', 'a']
    const run = startProgram(line, { cwd })
    await waitUntil(() => existsSync(join(cwd, 'begun')))
    run.child.kill('SIGKILL')
    await run.ended
    const gc = await runProgram(['gc'], { cwd })
    expect([gc.exitCode, gc.stderr]).toEqual([0, ''])
    // The claim stands until somebody takes it over.
    expect(readdirSync(join(cwd, 'mpibatch.out/task_000001'))).toContain('state.ev.1')
    writeFileSync(join(cwd, 'go'), '')
    const again = await runProgram(line, { cwd })
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('1 of 1 task DONE')])
  })
})
