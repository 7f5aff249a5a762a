import { existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, readStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const OUTPUT = 'echo "out {}"; echo "err {}" >&2; exit {}'

/** A root with two tasks that are DONE and one that FAILED with exit code 3. */
async function rootWithFailure(): Promise<string> {
  const cwd = temporaryDirectory()
  const ended = await runProgram(['run', '--name', 't{}', '-c', OUTPUT, ':::', '0', '3', '00'], { cwd })
  expect(ended.exitCode, ended.stderr).toBe(1)
  return cwd
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n')

describe('the commands that look at a root', () => {
  it('list tasks by state, for people, as JSON and in a format', async () => {
    const cwd = await rootWithFailure()
    const table = await runProgram(['list'], { cwd })
    expect(linesOf(table.stdout)).toHaveLength(4)
    const failed = await runProgram(['list', '--state', 'failed'], { cwd })
    expect(linesOf(failed.stdout)[1]).toMatch(/^t3 +FAILED +1 +exit 3 .* exit code 3: err 3$/)
    const records = JSON.parse((await runProgram(['list', 'mpibatch.out', '--json'], { cwd })).stdout)
    expect(records.map((task: { name: string }) => task.name)).toEqual(['t0', 't3', 't00'])
    expect(records[1]).toMatchObject({
      state: 'FAILED',
      attempts: 1,
      exit: 3,
      reason: 'exit',
      values: { 1: '3' },
    })
    const format = await runProgram(['list', '--state', 'done,failed', '--format', '{name}={exit}'], { cwd })
    expect(linesOf(format.stdout)).toEqual(['t0=0', 't3=3', 't00=0'])
    expect((await runProgram(['list', '--state', 'asleep'], { cwd })).exitCode).toBe(2)
  })

  it('say how far it is, and what failed', async () => {
    const cwd = await rootWithFailure()
    const status = JSON.parse((await runProgram(['status', '--json'], { cwd })).stdout)
    expect(status).toMatchObject({ tasks: 3, done: 2, failed: 1, open: 0, running: 0, instances: [] })
    expect(status.lastFailures).toMatchObject([{ name: 't3', outcome: 'exit 3' }])
    expect((await runProgram(['status'], { cwd })).stdout).toContain('2 DONE, 1 FAILED')
  })

  it('print what tasks printed', async () => {
    const cwd = await rootWithFailure()
    expect((await runProgram(['logs', 't3'], { cwd })).stdout).toBe('out 3\n')
    expect((await runProgram(['logs', 'mpibatch.out', 't3', '--stderr'], { cwd })).stdout).toBe('err 3\n')
    expect((await runProgram(['logs', 't0', 't3'], { cwd })).stdout).toBe(
      '==> t0 <==\nout 0\n==> t3 <==\nout 3\n',
    )
    const missing = await runProgram(['logs', '../x'], { cwd })
    expect([missing.exitCode, missing.stdout]).toEqual([2, ''])
  })

  it('read nothing through a link in the place of a task directory', async () => {
    const cwd = await rootWithFailure()
    const directory = join(cwd, 'mpibatch.out/t0')
    renameSync(directory, join(cwd, 'away'))
    symlinkSync('../away', directory)
    const status = JSON.parse((await runProgram(['status', '--json'], { cwd })).stdout)
    expect(status).toMatchObject({ tasks: 3, done: 1, failed: 1, invalid: 1 })
    const listed = JSON.parse((await runProgram(['list', '--json'], { cwd })).stdout)
    expect(listed[0]).toMatchObject({
      name: 't0',
      state: 'INVALID',
      message: `${directory} is a symbolic link`,
    })
    const logs = await runProgram(['logs', 't0'], { cwd })
    expect(logs).toMatchObject({ exitCode: 3, stdout: '' })
    expect(logs.stderr).toContain('is a symbolic link')
  })

  it('follow a task to its end', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo first; while [ ! -e go ]; do sleep 0.05; done; echo last; : {}'
    const run = startProgram(['run', '-c', script, ':::', 'a'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'mpibatch.out/task_000001/stdout')))
    const follow = startProgram(['logs', '--follow', 'task_000001'], { cwd })
    writeFileSync(join(cwd, 'go'), '')
    expect((await follow.ended).stdout).toBe('first\nlast\n')
    expect((await run.ended).exitCode).toBe(0)
  })

  it('check in silence', async () => {
    const cwd = await rootWithFailure()
    const bad = await runProgram(['check'], { cwd })
    expect([bad.exitCode, bad.stdout, bad.stderr]).toEqual([1, '', ''])
    await runProgram(['run', '--root', 'good', '--', 'true', ':::', 'a'], { cwd })
    expect((await runProgram(['check', 'good'], { cwd })).exitCode).toBe(0)
  })
})

describe('the commands that open tasks again', () => {
  it('retry what failed, after showing it', async () => {
    const cwd = await rootWithFailure()
    const shown = await runProgram(['retry', '--dry-run'], { cwd })
    expect(shown.stdout).toBe('t3\tFAILED\n')
    expect((await runProgram(['retry', 't0'], { cwd })).exitCode).toBe(2)
    expect((await runProgram(['retry'], { cwd })).exitCode).toBe(0)
    expect(readStates(join(cwd, 'mpibatch.out'))).toEqual({ t0: 'DONE', t3: 'OPEN', t00: 'DONE' })
  })

  it('rerun what is named, or all', async () => {
    const cwd = await rootWithFailure()
    expect((await runProgram(['rerun', 't0'], { cwd })).exitCode).toBe(0)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ OPEN: 1, DONE: 1, FAILED: 1 })
    expect((await runProgram(['rerun', 'mpibatch.out'], { cwd })).exitCode).toBe(0)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ OPEN: 3 })
  })

  it('recover what a dead run left, and leave what a living one runs unless forced', async () => {
    const cwd = temporaryDirectory()
    const root = join(cwd, 'mpibatch.out')
    const line = ['run', '-j', '1', '-c', 'touch {dir}/started; sleep 600; : {}', ':::', 'a']
    const run = startProgram(line, { cwd })
    await waitUntil(() => existsSync(join(root, 'task_000001/started')))
    expect((await runProgram(['recover'], { cwd })).stderr).toContain('0 tasks OPEN again')
    expect(countStates(root)).toEqual({ RUNNING: 1 })
    run.child.kill('SIGKILL')
    await run.ended
    expect((await runProgram(['list'], { cwd })).stdout).toContain('RUNNING (owner dead)')
    expect((await runProgram(['recover'], { cwd })).stderr).toContain('1 task OPEN again')
    expect(countStates(root)).toEqual({ OPEN: 1 })
  })

  it('give up on a task whose owner dies every time', async () => {
    const cwd = temporaryDirectory()
    const root = join(cwd, 'mpibatch.out')
    const line = [
      'run',
      '-j',
      '1',
      '--crash-limit',
      '2',
      '-c',
      'echo x >> {dir}/starts; sleep 600; : {}',
      ':::',
      'a',
    ]
    for (let crash = 1; crash <= 2; crash += 1) {
      const run = startProgram(line, { cwd })
      const starts = join(root, 'task_000001/starts')
      await waitUntil(() => existsSync(starts) && linesOf(readFileSync(starts, 'utf8')).length === crash)
      run.child.kill('SIGKILL')
      await run.ended
    }
    const last = await runProgram(line, { cwd })
    expect(last.exitCode, last.stderr).toBe(1)
    expect((await runProgram(['list'], { cwd })).stdout).toContain('2 owners in a row died')
  })
})
