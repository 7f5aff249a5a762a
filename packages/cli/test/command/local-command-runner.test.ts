import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import { LocalCommandRunner } from '../../src/command/local-command-runner.ts'
import { processState, run, runShell, STARTERS, STARTERS_OF_RUNS } from './command-harness.ts'

describe.each(STARTERS)('a command, started in the way %s', (_, open) => {
  const runner = { open }

  it('is done when it exits with 0, with both outputs in their files', async () => {
    const startMs = Date.now()
    const ran = await runShell(temporaryDirectory(), 'echo out; echo err >&2', { runner })
    expect(ran).toMatchObject({ result: { reason: 'done', exitCode: 0 }, stdout: 'out\n', stderr: 'err\n' })
    expect(ran.result.startedAtMs).toBeGreaterThanOrEqual(startMs)
    expect(ran.result.startedAtMs + ran.result.durationMs).toBeLessThanOrEqual(Date.now() + 1)
    expect(ran.result.durationMs).toBeGreaterThan(0)
  })

  it.each([1, 3, 126, 127, 255])('fails with its exit code %i', async (code) => {
    const { result } = await runShell(temporaryDirectory(), `exit ${code}`, { runner })
    expect(result).toMatchObject({ reason: 'exit', exitCode: code })
    expect(result.signal).toBeUndefined()
  })

  it.each(['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGHUP'])('fails with the signal %s', async (signal) => {
    const { result } = await runShell(temporaryDirectory(), `kill -${signal.slice(3)} $$`, { runner })
    expect(result).toMatchObject({ reason: 'signal', signal })
    expect(result.exitCode).toBeUndefined()
  })

  it('has exactly the environment that it is given', async () => {
    const environment = {
      PATH: process.env.PATH ?? '',
      EMPTY: '',
      'A B': 'line 1\nline 2',
      MPIBATCH_TASK: 'ä',
    }
    const { stdout } = await run(temporaryDirectory(), ['env', '-0'], { runner, environment })
    const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    expect(stdout.split('\0').filter(Boolean).toSorted()).toEqual(lines.toSorted())
  })

  it('gets its words untouched, its own name included', async () => {
    const words = ['', ' a  b ', '-x', '--', "'quoted'", '$HOME', 'new\nline', 'ünï']
    const ran = await run(temporaryDirectory(), ['sh', '-c', 'cat "/proc/$$/cmdline"', ...words], { runner })
    expect(ran.stdout.split('\0').slice(0, -1)).toEqual(['sh', '-c', 'cat "/proc/$$/cmdline"', ...words])
  })

  it('has an empty standard input and none of our open files but its logs', async () => {
    const directory = temporaryDirectory()
    const held = openSync(join(directory, 'held'), 'w')
    onTestFinished(() => closeSync(held))
    const { stdout } = await runShell(directory, 'cat; readlink /proc/$$/fd/0; ls -l /proc/$$/fd', { runner })
    expect(stdout.split('\n')[0]).toBe('/dev/null')
    const names = [...stdout.matchAll(/ (\d+) -> (.*)/g)].filter(([, , path]) => path?.startsWith(directory))
    expect(names.map(([, number, path]) => [number, path])).toEqual([
      ['1', join(directory, 'stdout')],
      ['2', join(directory, 'stderr')],
    ])
  })

  it('leads a session and a process group of its own, which onStart names', async () => {
    const groups: number[] = []
    const { stdout } = await runShell(temporaryDirectory(), 'cut -d" " -f1,5,6 "/proc/$$/stat"', {
      runner,
      onStart: ({ processGroup }) => groups.push(processGroup),
    })
    expect(stdout).toBe(`${groups[0]} ${groups[0]} ${groups[0]}\n`)
    expect(groups).toHaveLength(1)
  })

  it('is not over when it is stopped, nor when it goes on', async () => {
    const directory = temporaryDirectory()
    const groups: number[] = []
    const ran = runShell(directory, 'kill -STOP $$; echo on', {
      runner,
      onStart: ({ processGroup }) => groups.push(processGroup),
    })
    const group = await waitUntil(() => groups[0])
    await waitUntil(() => processState(group) === 'T')
    process.kill(group, 'SIGCONT')
    expect(await ran).toMatchObject({ result: { reason: 'done', exitCode: 0 }, stdout: 'on\n' })
  })

  it('starts with default signal actions and no blocked signal', async () => {
    const { stdout } = await run(temporaryDirectory(), ['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status'], {
      runner,
    })
    expect(stdout).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n')
  })

  it('runs a relative program from its working directory', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'tool'), '#!/bin/sh\npwd -P\n')
    chmodSync(join(directory, 'tool'), 0o755)
    expect((await run(directory, ['./tool'], { runner })).stdout).toBe(`${directory}\n`)
  })

  it('runs a script without an interpreter line through the shell, as execvp does', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'tool'), 'echo plain\n')
    chmodSync(join(directory, 'tool'), 0o755)
    expect((await run(directory, ['./tool'], { runner })).stdout).toBe('plain\n')
  })

  it('is not started when its arguments are too long, and says so', async () => {
    const { result } = await run(temporaryDirectory(), ['true', 'x'.repeat(200 * 1024)], { runner })
    expect(result).toMatchObject({ reason: 'error', message: expect.stringContaining('E2BIG') })
  })

  it('is not started when a word holds a NUL, and says so', async () => {
    const { result } = await run(temporaryDirectory(), ['true', 'a\0b'], { runner })
    expect(result).toMatchObject({
      reason: 'error',
      message: expect.stringContaining('could not be started'),
    })
  })
})

describe.each(STARTERS)('a command that can not be started, %s', (_, open) => {
  const runner = { open }

  it('is not-found when no program has its name, and leaves the old logs alone', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'stdout'), 'of an earlier attempt')
    const ran = await run(directory, ['no-such-program'], { runner })
    expect(ran.result).toMatchObject({
      reason: 'not-found',
      message: expect.stringContaining('"no-such-program"'),
    })
    expect(ran.stdout).toBe('of an earlier attempt')
  })

  it('is not-executable when it is a directory', async () => {
    const { result } = await run(temporaryDirectory(), ['/etc'], { runner })
    expect(result).toMatchObject({ reason: 'not-executable', message: '/etc is a directory.' })
  })

  it('is not-executable when its interpreter is missing', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'tool'), '#!/no/such/interpreter\n', { mode: 0o755 })
    const { result } = await run(directory, ['./tool'], { runner })
    expect(result).toMatchObject({
      reason: 'not-executable',
      message: expect.stringContaining('interpreter'),
    })
  })

  it.each([
    ['missing', 'does not exist'],
    ['file', 'is no directory'],
  ])('names the working directory that is %s', async (name, fault) => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')
    const { result } = await run(directory, ['true'], { runner, directory: join(directory, name) })
    expect(result).toMatchObject({ reason: 'error', message: expect.stringContaining(`${name} ${fault}`) })
  })

  it('names the log file that can not be made, and closes the other', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'stderr'))
    const { result } = await run(directory, ['true'], { runner })
    expect(result).toMatchObject({
      reason: 'error',
      message: expect.stringContaining(join(directory, 'stderr')),
    })
  })

  it('is told from a command of a shell line that is not there', async () => {
    const { result } = await runShell(temporaryDirectory(), 'no-such-program', { runner })
    expect(result).toMatchObject({
      reason: 'exit',
      exitCode: 127,
      message: 'the shell found no such command',
    })
  })
})

describe('a log file', () => {
  it('is made anew: a straggler of an earlier attempt can not write into it', async () => {
    const directory = temporaryDirectory()
    await runShell(directory, 'echo first')
    const straggler = openSync(join(directory, 'stdout'), 'a')
    onTestFinished(() => closeSync(straggler))
    const second = await runShell(directory, 'echo second')
    writeSync(straggler, 'late')
    expect(second.stdout).toBe('second\n')
    expect(readFileSync(join(directory, 'stdout'), 'utf8')).toBe('second\n')
  })

  it('replaces a symbolic link and leaves what it points at', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'precious'), 'kept')
    symlinkSync(join(directory, 'precious'), join(directory, 'stdout'))
    await runShell(directory, 'echo new')
    expect(lstatSync(join(directory, 'stdout')).isFile()).toBe(true)
    expect(readFileSync(join(directory, 'precious'), 'utf8')).toBe('kept')
    expect(readFileSync(join(directory, 'stdout'), 'utf8')).toBe('new\n')
  })

  it('takes 10 MB on both outputs at once, whole', async () => {
    const directory = temporaryDirectory()
    const line = 'head -c 10485760 /dev/zero & head -c 10485760 /dev/zero >&2; wait'
    const { result } = await runShell(directory, line)
    expect(result.reason).toBe('done')
    for (const name of ['stdout', 'stderr']) expect(lstatSync(join(directory, name)).size).toBe(10_485_760)
  })

  it('is left out without a path', async () => {
    const directory = temporaryDirectory()
    const result = await new LocalCommandRunner().run({
      argv: ['sh', '-c', 'echo nowhere; readlink /proc/self/fd/1 > target'],
      directory,
      environment: { PATH: process.env.PATH ?? '' },
    })
    expect(result.reason).toBe('done')
    expect(readFileSync(join(directory, 'target'), 'utf8')).not.toBe('')
  })
})

describe.each(STARTERS_OF_RUNS)('many commands, %s', (_, open) => {
  const runner = { open }

  it('run at once without mixing their output, leaking descriptors or drawing warnings', async () => {
    const root = temporaryDirectory()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    // The first one opens its way to start processes, for which a descriptor or two stay open for good.
    await run(root, ['true'], { runner })
    const before = descriptorCount()
    const ran = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const directory = join(root, String(index))
        mkdirSync(directory)
        const words =
          index % 10 === 9 ? ['no-such-program'] : ['sh', '-c', `echo ${index}; exit ${index % 3}`]
        return await run(directory, words, { runner, signal, killSignal: signal })
      }),
    )
    expect(ran.map(({ result, stdout }) => [result.reason, result.exitCode, stdout])).toEqual(
      ran.map((_, index) =>
        index % 10 === 9
          ? ['not-found', undefined, '']
          : [index % 3 === 0 ? 'done' : 'exit', index % 3, `${index}\n`],
      ),
    )
    expect(descriptorCount()).toBe(before)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  it('are over when onStart throws, and its error comes through', async () => {
    let leader = 0
    const ran = run(temporaryDirectory(), ['sleep', '1000'], {
      runner,
      onStart: ({ processGroup }) => {
        leader = processGroup
        throw new Error('not recorded')
      },
    })
    await expect(ran).rejects.toThrow('not recorded')
    expect(processState(leader)).toBeUndefined()
  })
})

function descriptorCount(): number {
  return readdirSync('/proc/self/fd').length
}
