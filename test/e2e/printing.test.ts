/** `--print`, `--tag`, `--keep-order`, `--joblog` and `export`, as a user types them. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROGRAM, readStates, runProgram, startChild } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const hasParallel = spawnSync('parallel', ['--version']).status === 0

describe('a run that prints', () => {
  it('prints the output of each task whole, errors apart, in the order of the tasks', async () => {
    const cwd = temporaryDirectory()
    // The first task ends when the last one has, so that only its turn can keep it first.
    const script =
      'if [ {} = a ]; then until [ -e c.ended ]; do sleep 0.01; done; fi; echo {} one; echo {} two >&2; printf "{} three"; touch {}.ended'
    const line = [
      'run',
      '-j',
      '3',
      '--keep-order',
      '--tag',
      '--name',
      '{}',
      '-c',
      script,
      ':::',
      'a',
      'b',
      'c',
    ]
    const ended = await runProgram(line, { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    const expected = ['a', 'b', 'c'].map((task) => `${task}\t${task} one\n${task}\t${task} three\n`).join('')
    expect(ended.stdout).toBe(expected)
    expect(ended.stderr.match(/^[abc]\t[abc] two$/gm)).toEqual(['a\ta two', 'b\tb two', 'c\tc two'])
    expect(readFileSync(join(cwd, 'mpibatch.out/a/stdout'), 'utf8')).toBe('a one\na three')
  })

  it('prints the last attempt of a task alone, and keeps no file that nobody wants', async () => {
    const cwd = temporaryDirectory()
    const line = ['run', '--print', '--logs', 'none', '--retries', '2', '--retry-delay', '0', '--name', '{}']
    const ended = await runProgram(
      [...line, '-c', 'echo attempt {attempt}; test {attempt} = 2', ':::', 'a'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stdout).toBe('attempt 2\n')
    expect(existsSync(join(cwd, 'mpibatch.out/a/stdout'))).toBe(false)
  })

  it('goes on when the reader of its output has gone away', async () => {
    const cwd = temporaryDirectory()
    const words = `${process.execPath} ${PROGRAM} run -j 2 --print -c 'seq 1 100000' ::: 1 2 3 4 5 6 | head -1`
    const ended = await startChild('/bin/sh', ['-c', words], { cwd }).ended
    expect(ended.stdout).toBe('1\n')
    expect(new Set(Object.values(readStates(join(cwd, 'mpibatch.out'))))).toEqual(new Set(['DONE']))
    expect(ended.stderr).toMatch(/6 of 6 tasks DONE/)
  })

  it('is refused for a job script, which prints by itself', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'job.mjs'), '')
    const ended = await runProgram(['run', '--tag', 'job.mjs'], { cwd })
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toMatch(/--tag is for commands/)
  })
})

const SCRIPT = `import { openBatch } from 'mpibatch'
const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c'] })
await batch.run(async (task) => { if (task.name === 'b') throw new Error('no') })
await batch.close()
`

const columns = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))

describe('the table of attempts', () => {
  it('is a job log that grows from run to run, and the same in an export', async () => {
    const cwd = temporaryDirectory()
    const line = ['run', '--joblog', 'log', '--retry-failed', '-c', 'exit {}', ':::', '0', '3', '0']
    expect((await runProgram(line, { cwd })).exitCode).toBe(1)
    expect((await runProgram(line, { cwd })).exitCode).toBe(1)
    const log = readFileSync(join(cwd, 'log'), 'utf8')
    const ends = columns(log).map(([number, , , , , , exitCode, signal, command]) => [
      number,
      exitCode,
      signal,
      command,
    ])
    expect(ends.sort()).toEqual([
      ['1', '0', '0', "exit '0'"],
      ['2', '3', '0', "exit '3'"],
      ['2', '3', '0', "exit '3'"],
      ['3', '0', '0', "exit '0'"],
    ])
    const exported = await runProgram(['export', '--joblog'], { cwd })
    expect(exported.stdout.split('\n').sort()).toEqual(log.split('\n').sort())
    const records = (await runProgram(['export', '--json'], { cwd })).stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(records.map(({ name, attempt }) => `${name} ${attempt}`).sort()).toEqual([
      ...['task_000001 1', 'task_000002 1', 'task_000002 2', 'task_000003 1'],
    ])
    if (!hasParallel) return
    // GNU parallel takes it for its own: it runs what failed, and nothing else.
    const again = spawnSync(
      'parallel',
      ['--resume-failed', '--joblog', 'log', 'echo', 'again', '{}', ':::', '0', '3', '0'],
      {
        cwd,
        encoding: 'utf8',
      },
    )
    expect(again.stdout, again.stderr).toBe('again 3\n')
  })

  it('is a job log of a job script too, whose tasks end in other threads', async () => {
    const cwd = join(import.meta.dirname, '../../examples')
    const root = temporaryDirectory()
    writeFileSync(
      join(root, 'job.mjs'),
      SCRIPT.replace(
        "'mpibatch'",
        JSON.stringify(join(import.meta.dirname, '../../packages/cli/dist/index.js')),
      ).replace("'out'", JSON.stringify(join(root, 'out'))),
    )
    const ended = await runProgram(['run', '-j', '2', '--joblog', join(root, 'log'), join(root, 'job.mjs')], {
      cwd,
    })
    expect(ended.exitCode, ended.stderr).toBe(1)
    const ends = columns(readFileSync(join(root, 'log'), 'utf8')).map((line) => [line[0], line[6], line[8]])
    expect(ends.sort()).toEqual([
      ['1', '0', 'a'],
      ['2', '-1', 'b'],
      ['3', '0', 'c'],
    ])
  })

  it('never overwrites a file that is something else', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'precious'), 'data\n')
    const ended = await runProgram(['run', '--joblog', 'precious', '--', 'true', ':::', '1'], { cwd })
    expect(ended.exitCode).toBe(2)
    expect(ended.stderr).toMatch(/"precious" is there, and is no job log/)
    expect(readFileSync(join(cwd, 'precious'), 'utf8')).toBe('data\n')
    expect(existsSync(join(cwd, 'mpibatch.out'))).toBe(false)
  })
})
