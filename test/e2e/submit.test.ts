/** `mpibatch submit`, with a program in the place of sbatch that keeps what it is given; `test:cluster-mpi` has a real Slurm. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { countStates, type Running, runProgram, startChild } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Six tasks, two at once, of which each waits until the test says that it may end. */
const RUN = [
  'run',
  '-j',
  '2',
  '-c',
  'until [ -e go ]; do sleep 0.02; done; : {}',
  ':::',
  '1',
  '2',
  '3',
  '4',
  '5',
  '6',
]

interface Place {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The scripts that sbatch was given, in order. */
  readonly scripts: () => string[]
}

function place(): Place {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'bin'))
  mkdirSync(join(cwd, 'jobs'))
  const sbatch =
    '#!/bin/sh\nn=$(ls jobs | wc -l)\ncat > jobs/$n.tmp\nmv jobs/$n.tmp jobs/$n\necho "Submitted batch job $n"\n'
  writeFileSync(join(cwd, 'bin/sbatch'), sbatch)
  chmodSync(join(cwd, 'bin/sbatch'), 0o755)
  const scripts = (): string[] => readdirSync(join(cwd, 'jobs')).map((name) => join(cwd, 'jobs', name))
  return { cwd, env: { PATH: `${join(cwd, 'bin')}:${process.env.PATH}` }, scripts }
}

/** Runs a script as Slurm does, until both slots have a task. */
async function startJob({ cwd, env }: Place, script: string): Promise<Running> {
  const job = startChild('/bin/sh', [script], { cwd, env })
  const running = (): number =>
    existsSync(join(cwd, 'mpibatch.out/task_000002'))
      ? (countStates(join(cwd, 'mpibatch.out')).RUNNING ?? 0)
      : 0
  await waitUntil(() => running() === 2, { describe: job.stderr })
  return job
}

const oneOf = (texts: readonly string[], index: number): string =>
  texts[index] ?? expect.fail(`There is no script ${index}`)

it('a job finishes what runs when its time is nearly over, and goes on in another until all is done', async () => {
  const at = place()
  const { cwd, env, scripts } = at
  const submitted = await runProgram(['submit', '--time', '60', '--continue', '3', '--', ...RUN], {
    cwd,
    env,
  })
  expect(submitted, submitted.stderr).toMatchObject({ exitCode: 0, stdout: 'Submitted batch job 0\n' })
  const first = await startJob(at, oneOf(scripts(), 0))
  first.child.kill('SIGUSR1')
  await waitUntil(() => first.stderr().includes('finishing what runs'), { describe: first.stderr })
  writeFileSync(join(cwd, 'go'), '')
  expect((await first.ended).exitCode, first.stderr()).toBe(0)
  expect(first.stderr()).toMatch(/the job goes on in another: Submitted batch job 1/)
  expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 2 })
  expect(readFileSync(oneOf(scripts(), 0), 'utf8')).toContain('#SBATCH --cpus-per-task=2\n')
  const next = readFileSync(oneOf(scripts(), 1), 'utf8')
  expect(next).toBe(readFileSync(oneOf(scripts(), 0), 'utf8').replace('--inside=3', '--inside=2'))
  const second = await startChild('/bin/sh', [oneOf(scripts(), 1)], { cwd, env }).ended
  expect(second.exitCode, second.stderr).toBe(0)
  expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 6 })
  expect(scripts()).toHaveLength(2)
})

it('a job that is cancelled, or has no continuation left, submits none', async () => {
  const at = place()
  const { cwd, env, scripts } = at
  const printed = await runProgram(['submit', '--print', '--', ...RUN], { cwd, env })
  expect(printed.exitCode, printed.stderr).toBe(0)
  expect(scripts()).toEqual([])
  const script = join(cwd, 'script')
  writeFileSync(script, printed.stdout)
  const cancelled = await startJob(at, script)
  cancelled.child.kill('SIGTERM')
  await waitUntil(() => cancelled.stderr().includes('finishing what runs'), { describe: cancelled.stderr })
  cancelled.child.kill('SIGTERM')
  expect((await cancelled.ended).exitCode).toBe(143)
  writeFileSync(script, printed.stdout.replace('--inside=20', '--inside=0'))
  const last = await startJob(at, script)
  last.child.kill('SIGUSR1')
  await waitUntil(() => last.stderr().includes('finishing what runs'), { describe: last.stderr })
  writeFileSync(join(cwd, 'go'), '')
  expect((await last.ended).exitCode).toBe(143)
  expect(last.stderr()).toMatch(/no continuation is left/)
  expect(scripts()).toEqual([])
})

it('a line that could not run is refused before it is submitted', async () => {
  const { cwd, env, scripts } = place()
  const refusals: [string[], RegExp][] = [
    [['submit'], /stands behind --/],
    [['submit', '--', 'run', '-a', '-', '--', 'true'], /no standard input/],
    [['submit', '--', 'run', '--bogus', '--', 'true'], /no option --bogus/],
    [['submit', '--tim', '3', '--', 'run', '--', 'true'], /Did you mean --time/],
  ]
  for (const [line, message] of refusals) {
    const ended = await runProgram(line, { cwd, env })
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toMatch(message)
  }
  const without = await runProgram(['submit', '--', ...RUN], { cwd, env: { PATH: join(cwd, 'nowhere') } })
  expect(without.exitCode).toBe(3)
  expect(without.stderr).toMatch(/sbatch can't be started/)
  expect(scripts()).toEqual([])
})
