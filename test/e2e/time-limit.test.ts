/** `--time-limit`, as a user types it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A program in the place of squeue, that says how much of the job's time is left. */
function withSqueue(answer: string): {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
} {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'bin'))
  writeFileSync(join(cwd, 'bin/squeue'), `#!/bin/sh\necho "$@" > asked\necho ${answer}\n`)
  chmodSync(join(cwd, 'bin/squeue'), 0o755)
  return { cwd, env: { PATH: `${join(cwd, 'bin')}:${process.env.PATH}`, SLURM_JOB_ID: '77' } }
}

describe('a run with a time limit', () => {
  it('starts nothing that would not end in time, and goes on where it ended', async () => {
    const cwd = temporaryDirectory()
    const line = (limit: string): string[] => [
      'run',
      '--json',
      '-j',
      '1',
      '--time-limit',
      limit,
      '-c',
      'sleep 0.5; : {}',
    ]
    const tasks = [':::', ...Array.from({ length: 40 }, (_, index) => String(index))]
    const ended = await runProgram([...line('4s'), ...tasks], { cwd })
    const summary = JSON.parse(ended.stdout)
    expect(summary).toMatchObject({ tasks: 40, failed: 0, stoppedBy: 'time-limit', exitCode: 143 })
    expect(summary.done).toBeGreaterThan(0)
    expect(summary.open).toBe(40 - summary.done)
    expect(ended.exitCode).toBe(143)
    expect(ended.stderr).toMatch(/Its time limit has ended the run/)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: summary.done })
    // What tasks took is known from before: there is no time for one.
    const next = await runProgram([...line('450ms'), ...tasks], { cwd })
    expect(JSON.parse(next.stdout)).toMatchObject({ done: summary.done, stoppedBy: 'time-limit' })
  })

  it('is as good as one without, where the time is enough', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(['run', '--json', '--time-limit', '1h', '--', 'true', ':::', '1', '2'], {
      cwd,
    })
    expect(JSON.parse(ended.stdout)).toMatchObject({ done: 2, stoppedBy: null, exitCode: 0 })
  })

  it('reaches the ranks of a job script', async () => {
    const cwd = temporaryDirectory()
    const library = JSON.stringify(join(import.meta.dirname, '../../packages/cli/dist/index.js'))
    const tasks = `Array.from({ length: 50 }, (_, index) => 't' + index)`
    const work = 'new Promise((resolve) => setTimeout(resolve, 400))'
    writeFileSync(
      join(cwd, 'job.mjs'),
      `import { openBatch } from ${library}\nconst batch = await openBatch({ root: 'out', tasks: ${tasks} })\nawait batch.run(() => ${work})\nawait batch.close()\n`,
    )
    const ended = await runProgram(['run', '--json', '-j', '2', '--time-limit', '4s', 'job.mjs'], { cwd })
    expect(JSON.parse(ended.stdout), ended.stderr).toMatchObject({
      tasks: 50,
      stoppedBy: 'time-limit',
      exitCode: 143,
    })
  })

  it('asks Slurm how much time is left, in a job of it', async () => {
    const line = ['run', '--json', '--time-limit', 'auto', '--', 'true', ':::', '1']
    const none = withSqueue('0:00')
    const late = await runProgram(line, none)
    expect(JSON.parse(late.stdout), late.stderr).toMatchObject({ done: 0, open: 1, stoppedBy: 'time-limit' })
    expect(readFileSync(join(none.cwd, 'asked'), 'utf8')).toBe('--noheader --jobs 77 --format %L\n')
    for (const answer of ['1-02:00:00', 'UNLIMITED']) {
      const ended = await runProgram(line, withSqueue(answer))
      expect(JSON.parse(ended.stdout), ended.stderr).toMatchObject({ done: 1, exitCode: 0 })
    }
    for (const [place, message] of [
      [{ cwd: temporaryDirectory(), env: { SLURM_JOB_ID: '' } }, /this is no job of Slurm/],
      [withSqueue('nonsense'), /Slurm says "nonsense"/],
    ] as const) {
      const refused = await runProgram(line, place)
      expect(refused.exitCode, refused.stderr).toBe(2)
      expect(refused.stderr).toMatch(message)
      expect(existsSync(join(place.cwd, 'mpibatch.out'))).toBe(false)
    }
  })
})
