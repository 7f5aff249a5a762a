import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addonPath } from '@mpibatch/native-mpi'
import { describe, expect, it } from 'vitest'
import { countStates, readStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const read = (...parts: string[]): string => readFileSync(join(...parts), 'utf8')

describe('a run of commands', () => {
  it('runs one task per value, keeps the output, and ends with 0', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(
      ['run', '-j', '2', '--', 'echo', 'hello', '{}', ':::', 'one', 'two words', '$HOME'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stdout).toBe('')
    const root = join(cwd, 'mpibatch.out')
    expect(readStates(root)).toEqual({ task_000001: 'DONE', task_000002: 'DONE', task_000003: 'DONE' })
    expect(read(root, 'task_000002', 'stdout')).toBe('hello two words\n')
    expect(read(root, 'task_000003', 'stdout')).toBe('hello $HOME\n')
  })

  it('does nothing when all is done, and adds what is new', async () => {
    const cwd = temporaryDirectory()
    const line = (...values: string[]): string[] => [
      'run',
      '--',
      'sh',
      '-c',
      'echo ran >> "$MPIBATCH_TASK_DIR/runs"',
      '{}',
      ':::',
      ...values,
    ]
    expect((await runProgram(line('a', 'b'), { cwd })).exitCode).toBe(0)
    const again = await runProgram([...line('a', 'b', 'c'), ':::+'].slice(0, -1), { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    for (const task of ['task_000001', 'task_000002', 'task_000003']) {
      expect(read(cwd, 'mpibatch.out', task, 'runs')).toBe('ran\n')
    }
  })

  it.skipIf(!existsSync(addonPath))(
    'tells a real-time signal, but not where Node starts commands',
    async () => {
      const ends = ['', 'portable'].map(async (MPIBATCH_SPAWN) => {
        const options = { cwd: temporaryDirectory(), env: { MPIBATCH_SPAWN } }
        const line = ['run', '--joblog', 'log', '-c', 'kill -{} $$; sleep 10', ':::', '34', '37']
        const { exitCode } = await runProgram(line, options)
        const { stdout } = await runProgram(['list', '--json'], options)
        const list = JSON.parse(stdout) as { state: string; signal: string | null }[]
        const lines = read(options.cwd, 'log').trimEnd().split('\n').slice(1)
        return [
          exitCode,
          list.map(({ state, signal }) => `${state} ${signal}`),
          lines.map((one) => one.split('\t')[7]).toSorted(),
        ]
      })
      expect(await Promise.all(ends)).toEqual([
        [1, ['FAILED SIGRTMIN', 'FAILED SIGRTMIN+3'], ['34', '37']],
        [0, ['DONE null', 'DONE null'], ['0', '0']],
      ])
    },
  )

  it('tells exit code, signal, time-out and a missing command apart', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'list'), 'exit 3\nkill -SEGV $$\nsleep 60\nexec ./not-there\ntrue\n')
    const ended = await runProgram(
      ['run', '--timeout', '1s', '-j', '5', '-a', 'list', '--', 'sh', '-c', '{}'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(1)
    writeFileSync(join(cwd, 'programs'), `${join(cwd, 'no-program')}\n${cwd}\n`)
    const missing = await runProgram(['run', '--root', 'other', '-a', 'programs', '--', '{}'], { cwd })
    expect(missing.exitCode, missing.stderr).toBe(1)
    const list = async (root: string): Promise<[unknown, unknown, unknown][]> => {
      const { stdout } = await runProgram(['list', root, '--json'], { cwd })
      return (JSON.parse(stdout) as { reason: string; exit: number; signal: string }[]).map((task) => [
        task.reason,
        task.exit,
        task.signal,
      ])
    }
    expect(await list('mpibatch.out')).toEqual([
      ['exit', 3, null],
      ['signal', null, 'SIGSEGV'],
      ['timeout', null, 'SIGTERM'],
      ['exit', 127, null],
      ['done', 0, null],
    ])
    expect(await list('other')).toEqual([
      ['not-found', null, null],
      ['not-executable', null, null],
    ])
  })

  it('gives the task its environment', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(
      [
        'run',
        '--env',
        'COLOUR=red',
        '--name',
        'x_{}',
        '-c',
        ': {}; env | grep -E "^(MPIBATCH_|COLOUR)" | sort',
        ':::',
        'v',
      ],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    const text = read(cwd, 'mpibatch.out', 'x_v', 'stdout')
    const environment = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    )
    expect(environment).toMatchObject({
      COLOUR: 'red',
      MPIBATCH_TASK: 'x_v',
      MPIBATCH_TASK_INDEX: '0',
      MPIBATCH_TASK_DIR: join(cwd, 'mpibatch.out', 'x_v'),
      MPIBATCH_ROOT: join(cwd, 'mpibatch.out'),
      MPIBATCH_ATTEMPT: '1',
      MPIBATCH_CLAIM: '1',
      MPIBATCH_GROUP: '0',
      MPIBATCH_GROUP_RANK: '0',
      MPIBATCH_GROUP_SIZE: '1',
    })
    expect(environment.MPIBATCH_INSTANCE).toMatch(/^[0-9a-f]{16}$/)
  })

  it('runs one command per worker group, and names the nearest fits for ranks that fill none', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo $MPIBATCH_GROUP_SIZE $MPIBATCH_GROUP_RANK {%} > {dir}/group; : {}'
    const line = ['--group-size', '2', '-c', script, ':::', 'a', 'b', 'c']
    const refused = await runProgram(['run', '-j', '3', ...line], { cwd })
    expect(refused.exitCode, refused.stderr).toBe(2)
    expect(refused.stderr).toMatch(/2 or 4/)
    const ended = await runProgram(['run', '-j', '2', ...line], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(read(cwd, 'mpibatch.out/task_000003/group')).toBe('2 0 1\n')
  })

  it('runs the command as every member of a group when asked to, and ends all when one fails', async () => {
    const cwd = temporaryDirectory()
    const script =
      'echo $MPIBATCH_GROUP_RANK of $MPIBATCH_GROUP_SIZE; case {}$MPIBATCH_GROUP_RANK in b1) echo bad >&2; exit 3;; b*) sleep 60;; esac'
    const line = ['-j', '4', '--group-size', '2', '--group-exec', 'all', '-c', script, ':::', 'a', 'b', 'c']
    const ended = await runProgram(['run', ...line], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 2, FAILED: 1 })
    expect(read(cwd, 'mpibatch.out/task_000003/stdout')).toBe('0 of 2\n')
    expect(read(cwd, 'mpibatch.out/task_000003/stdout.1')).toBe('1 of 2\n')
    const listed = await runProgram(['list', '--state', 'failed', '--json'], { cwd })
    expect(JSON.parse(listed.stdout)).toMatchObject([{ message: 'member 1 of the group: exit code 3: bad' }])
  })

  it('starts what took longest before first, when asked to', async () => {
    const cwd = temporaryDirectory()
    const line = ['-c', 'echo {} >> order; test {} = 2 && sleep 0.4; true', ':::', '1', '2', '3']
    expect((await runProgram(['run', '-j', '1', ...line], { cwd })).exitCode).toBe(0)
    const again = await runProgram(['run', '-j', '1', '--rerun', '--order', 'longest', ...line], { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(read(cwd, 'order').split('\n').slice(0, 4)).toEqual(['1', '2', '3', '2'])
  })

  it('takes a task from a living run only when asked to steal it, and that run goes on', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo $MPIBATCH_CLAIM >> {dir}/claims; while [ ! -e go ]; do sleep 0.05; done; : {}'
    const line = ['run', '-j', '1', '-c', script, ':::', 'a']
    const first = startProgram(line, { cwd })
    const claims = join(cwd, 'mpibatch.out/task_000001/claims')
    await waitUntil(() => existsSync(claims))
    const polite = await runProgram(line, { cwd })
    expect(polite.exitCode, polite.stderr).toBe(1)
    expect(polite.stderr).toContain('1 running elsewhere')
    const thief = startProgram(['run', '--steal-running', ...line.slice(1)], { cwd })
    await waitUntil(() => read(claims) === '1\n2\n')
    writeFileSync(join(cwd, 'go'), '')
    expect((await thief.ended).exitCode).toBe(0)
    const robbed = await first.ended
    expect(robbed.stderr).toContain('taken over')
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 1 })
  })

  it('runs a failed task again as often as asked, and leaves it FAILED for the next run to report', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo $MPIBATCH_ATTEMPT >> {dir}/runs; test $MPIBATCH_ATTEMPT -ge 3'
    const line = ['run', '--retry-delay', '10ms', '-c', script, ':::', 'a']
    expect(
      (await runProgram([...line.slice(0, 1), '--retries', '1', ...line.slice(1)], { cwd })).exitCode,
    ).toBe(1)
    expect(read(cwd, 'mpibatch.out/task_000001/runs')).toBe('1\n2\n')
    const left = await runProgram(line, { cwd })
    expect(left.exitCode).toBe(1)
    expect(left.stderr).toContain('1 FAILED')
    expect(read(cwd, 'mpibatch.out/task_000001/runs')).toBe('1\n2\n')
    const retried = await runProgram(['run', '--retry-failed', ...line.slice(1)], { cwd })
    expect(retried.exitCode, retried.stderr).toBe(0)
    expect(read(cwd, 'mpibatch.out/task_000001/runs')).toBe('1\n2\n3\n')
  })

  it('stops after a failure when asked to fail fast, and gives back what ran', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'list'), ['false', 'sleep 60', ...Array(20).fill('true')].join('\n'))
    const ended = await runProgram(
      ['run', '--fail-fast', '-j', '2', '-a', 'list', '--json', '-c', 'eval {}'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(1)
    const summary = JSON.parse(ended.stdout)
    expect(summary).toMatchObject({ tasks: 22, failed: 1, stoppedBy: 'halt' })
    expect(countStates(join(cwd, 'mpibatch.out')).RUNNING).toBeUndefined()
  })

  it('keeps the logs of failures only when asked to', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--logs', 'failed', '-c', 'echo out; exit {}', ':::', '0', '1'], { cwd })
    expect(readdirSync(join(cwd, 'mpibatch.out/task_000001')).includes('stdout')).toBe(false)
    expect(read(cwd, 'mpibatch.out/task_000002/stdout')).toBe('out\n')
    await runProgram(['run', '--root', 'none', '--logs', 'none', '-c', 'echo {}', ':::', 'x'], { cwd })
    expect(existsSync(join(cwd, 'none/task_000001/stdout'))).toBe(false)
  })

  it('shows what would run, and makes nothing', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(
      ['run', '--dry-run', '--', 'echo', '{1}-{2}', ':::', 'a', 'b', ':::', 'x y', 'z'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stdout).toContain("task_000001\techo 'a-x y'\n")
    expect(ended.stdout.trim().split('\n')).toHaveLength(4)
    expect(existsSync(join(cwd, 'mpibatch.out'))).toBe(false)
  })

  it('takes tasks from CSV, JSON, ranges and standard input', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 't.csv'), 'beta,"the gamma"\n0.1,"a ""b"""\n0.2,c\n')
    writeFileSync(join(cwd, 't.json'), '[{"x":1,"y":"p q"},{"x":2,"y":"r"}]')
    const outputs = async (argv: string[], input?: string): Promise<string[]> => {
      const root = `root${Math.random()}`
      const ended = await runProgram(['run', '--root', root, ...argv], {
        cwd,
        ...(input === undefined ? {} : { input }),
      })
      expect(ended.exitCode, ended.stderr).toBe(0)
      return Object.keys(readStates(join(cwd, root)))
        .sort()
        .map((task) => read(cwd, root, task, 'stdout').trimEnd())
    }
    expect(await outputs(['--csv', 't.csv', '--', 'echo', '{beta}', '{the gamma}'])).toEqual([
      '0.1 a "b"',
      '0.2 c',
    ])
    expect(await outputs(['--from-json', 't.json', '-c', 'echo {y} {x}'])).toEqual(['p q 1', 'r 2'])
    expect(await outputs(['--array', '1,5,7-9:2', '--', 'echo'])).toEqual(['1', '5', '7', '9'])
    expect(await outputs(['-a', '-', '--', 'echo', '{/.}'], 'd/x.txt\ny.tar.gz\n')).toEqual(['x', 'y.tar'])
  })

  it('runs a command on the tasks that the root already holds', async () => {
    const cwd = temporaryDirectory()
    const first = ['run', '--', 'echo', '{}', ':::', 'a', 'b']
    expect((await runProgram(first, { cwd })).exitCode).toBe(0)
    expect((await runProgram(['rerun'], { cwd })).exitCode).toBe(0)
    const again = await runProgram(['run', '--', 'echo', '{}'], { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(read(cwd, 'mpibatch.out/task_000002/stdout')).toBe('b\n')
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 2 })
  })
})

describe('a task list that has changed', () => {
  it('starts nothing, lists the differences, and ends with 2; goes on when the changes are accepted', async () => {
    const cwd = temporaryDirectory()
    expect((await runProgram(['run', '--', 'echo', 'old', '{}', ':::', 'a', 'b'], { cwd })).exitCode).toBe(0)
    const changed = ['--', 'echo', 'new', '{}', ':::', 'a', 'b', 'c']
    const refused = await runProgram(['run', ...changed], { cwd })
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('task_000001')
    expect(refused.stderr).toContain('old a')
    expect(refused.stderr).toContain('new a')
    expect(Object.keys(readStates(join(cwd, 'mpibatch.out')))).toEqual(['task_000001', 'task_000002'])
    expect(read(cwd, 'mpibatch.out/task_000001/stdout')).toBe('old a\n')
    const accepted = await runProgram(['run', '--accept-changes', ...changed], { cwd })
    expect(accepted.exitCode, accepted.stderr).toBe(0)
    expect(read(cwd, 'mpibatch.out/task_000001/stdout')).toBe('new a\n')
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 3 })
    expect((await runProgram(['run', ...changed], { cwd })).exitCode).toBe(0)
  })
})
