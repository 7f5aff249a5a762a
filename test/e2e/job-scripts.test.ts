import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, readStates, runProgram, startNode, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const PACKAGE = join(import.meta.dirname, '../../packages/cli')

/** A directory with a job script, in which `import 'mpibatch'` finds the built package. */
function jobDirectory(script: string): string {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(PACKAGE, join(cwd, 'node_modules', 'mpibatch'))
  writeFileSync(join(cwd, 'job.mjs'), script)
  return cwd
}

/** The script of the design, with work that shows who did it. */
const GROUPS = `
import { appendFileSync } from 'node:fs'
import { openBatch } from 'mpibatch'
const names = Array.from({ length: 12 }, (_, index) => 'case' + index)
async function simulate(task, group) {
  const sizes = await group.allgather(group.rank)
  if (group.rank === 0) appendFileSync(task.directory + '/runs', sizes.join() + '\\n')
}
const batch = await openBatch({ root: 'out', tasks: names, groupSize: 2 })
for await (const task of batch) {
  await simulate(task, batch.group)
  await task.done()
}
await batch.close()
`

describe('the job script of the design', () => {
  it('runs alone under node, with groups of one', async () => {
    const cwd = jobDirectory(GROUPS)
    const ended = await startNode(['job.mjs'], { cwd }).ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(countStates(join(cwd, 'out'))).toEqual({ DONE: 12 })
    expect(readFileSync(join(cwd, 'out/case3/runs'), 'utf8')).toBe('0\n')
  })

  it('runs on four threads in two groups of two, and is resumed by either way of starting it', async () => {
    const cwd = jobDirectory(GROUPS)
    const ended = await runProgram(['run', '-j', '4', 'job.mjs'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(countStates(join(cwd, 'out'))).toEqual({ DONE: 12 })
    for (let index = 0; index < 12; index += 1) {
      expect(readFileSync(join(cwd, `out/case${index}/runs`), 'utf8')).toBe('0,1\n')
    }
    expect((await startNode(['job.mjs'], { cwd }).ended).exitCode).toBe(0)
    expect((await runProgram(['run', '-j', '2', 'job.mjs'], { cwd })).exitCode).toBe(0)
    expect(readFileSync(join(cwd, 'out/case3/runs'), 'utf8')).toBe('0,1\n')
  })

  it('is told the nearest fits when the ranks do not fill groups', async () => {
    const cwd = jobDirectory(GROUPS)
    const ended = await runProgram(['run', '-j', '3', 'job.mjs'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(2)
    expect(ended.stderr).toMatch(/2 or 4/)
  })
})

describe('a job script', () => {
  it('that throws ends the job on all ranks, with its stack and exit code 1, and leaves only its own task FAILED', async () => {
    const cwd = jobDirectory(`
      import { openBatch } from 'mpibatch'
      const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c', 'd'] })
      for await (const task of batch) {
        if (task.name === 'b') throw new Error('something in the model')
        await new Promise((resolve) => setTimeout(resolve, task.name === 'a' ? 3600_000 : 0))
        await task.done()
      }
      await batch.close()
    `)
    const ended = await runProgram(['run', '-j', '2', 'job.mjs'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(ended.stderr).toContain('something in the model')
    expect(ended.stderr).toContain('job.mjs')
    expect(readStates(join(cwd, 'out'))).toMatchObject({ a: 'OPEN', b: 'FAILED' })
  })

  it('takes its tasks from the command line, with their values, if it has none', async () => {
    const cwd = jobDirectory(`
      import { writeFileSync } from 'node:fs'
      import { openBatch } from 'mpibatch'
      const batch = await openBatch()
      await batch.run((task) => writeFileSync(task.directory + '/x', JSON.stringify(task.values)))
      await batch.close()
    `)
    writeFileSync(join(cwd, 't.csv'), 'p,q\n1,a\n2,b\n')
    const ended = await runProgram(
      ['run', '-j', '2', '--root', 'r', '--csv', 't.csv', '--name', 'p{p}', 'job.mjs'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(readStates(join(cwd, 'r'))).toEqual({ p1: 'DONE', p2: 'DONE' })
    expect(JSON.parse(readFileSync(join(cwd, 'r/p2/x'), 'utf8'))).toMatchObject({ p: '2', q: 'b' })
  })

  it('gets the arguments behind --, and the options of the command line', async () => {
    const cwd = jobDirectory(`
      import { appendFileSync } from 'node:fs'
      import { openBatch } from 'mpibatch'
      const batch = await openBatch({ root: 'ignored', tasks: process.argv.slice(2) })
      await batch.run((task) => {
        appendFileSync('runs', task.name + task.attempt + '\\n')
        if (task.attempt < 2) throw new Error('not yet')
      })
      await batch.close()
    `)
    const argv = [
      'run',
      '-j',
      '1',
      '--root',
      'r',
      '--retries',
      '1',
      '--retry-delay',
      '1ms',
      'job.mjs',
      '--',
      'a',
      '-b',
    ]
    const ended = await runProgram(argv, { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(existsSync(join(cwd, 'ignored'))).toBe(false)
    expect(readFileSync(join(cwd, 'runs'), 'utf8').split('\n').sort().join(' ').trim()).toBe('-b1 -b2 a1 a2')
  })

  it('is drained by the first Ctrl-C, and ended by the second, also when it computes without a pause', async () => {
    const cwd = jobDirectory(`
      import { existsSync, writeFileSync } from 'node:fs'
      import { openBatch } from 'mpibatch'
      const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c'] })
      await batch.run((task) => {
        writeFileSync('started', '')
        while (!existsSync('go'));
      })
      await batch.close()
    `)
    const run = startProgram(['run', '-j', '2', 'job.mjs'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'started')))
    run.child.kill('SIGINT')
    await waitUntil(() => run.stderr().includes('finishing'))
    run.child.kill('SIGINT')
    const ended = await run.ended
    expect(ended.exitCode, ended.stderr).toBe(130)
    expect(countStates(join(cwd, 'out')).RUNNING).toBeUndefined()
    writeFileSync(join(cwd, 'go'), '')
    expect((await runProgram(['run', '-j', '2', 'job.mjs'], { cwd })).exitCode).toBe(0)
    expect(countStates(join(cwd, 'out'))).toEqual({ DONE: 3 })
  })

  it('goes on after a kill -9 at once', async () => {
    const cwd = jobDirectory(`
      import { existsSync, writeFileSync } from 'node:fs'
      import { setTimeout as pause } from 'node:timers/promises'
      import { openBatch } from 'mpibatch'
      const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c', 'd'] })
      await batch.run(async (task) => {
        writeFileSync('started', '')
        while (!existsSync('go')) await pause(10)
      })
      await batch.close()
    `)
    const run = startProgram(['run', '-j', '2', 'job.mjs'], { cwd })
    await waitUntil(
      () => existsSync(join(cwd, 'out/b/state')) && readStates(join(cwd, 'out')).b === 'RUNNING',
    )
    run.child.kill('SIGKILL')
    await run.ended
    writeFileSync(join(cwd, 'go'), '')
    const again = await runProgram(['run', '-j', '2', 'job.mjs'], { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(countStates(join(cwd, 'out'))).toEqual({ DONE: 4 })
  })
})
