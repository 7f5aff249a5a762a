import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { addonPath } from '../src/native.ts'
import { type ProcessEnd, type ProcessStart, prepareProcess } from '../src/process-spawner.ts'

const SHELL = { file: '/bin/sh', directory: '/', environment: {} }

/** Starts a process at once, and waits for its end. */
async function end(start: ProcessStart): Promise<ProcessEnd> {
  return await (await prepareProcess(start)()).ended
}

/** What the system says of a start. */
async function codeOf(start: ProcessStart): Promise<unknown> {
  try {
    await prepareProcess(start)()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

const openCount = (): number => readdirSync('/proc/self/fd').length

/** Numbers of the processes that this one has started and not collected. */
const children = (): string[] =>
  readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )

/** What the system says that a process does. */
const processLetter = (pid: string): string | undefined =>
  / \(.*\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]

describe.skipIf(!existsSync(addonPath))('a process that is started by vfork', () => {
  it('is told to have ended by any signal, also by those that have no name', async () => {
    for (const signal of [6, 9, 15, 34, 37, 64]) {
      const argv = ['sh', '-c', `kill -${signal} $$; exit 1`]
      expect(await end({ ...SHELL, argv })).toEqual({ exitCode: null, signal, isGroupLeft: false })
    }
    expect(await end({ ...SHELL, argv: ['sh', '-c', 'exit 255'] })).toMatchObject({
      exitCode: 255,
      signal: null,
    })
  })

  it('tells whether others of its group are left, which no signal of ours may reach when none is', async () => {
    const argv = ['sh', '-c', 'sleep 1000 & exit 0']
    const { pid, ended } = await prepareProcess({
      ...SHELL,
      argv,
      environment: { PATH: process.env.PATH ?? '' },
    })()
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'))
    expect(await ended).toEqual({ exitCode: 0, signal: null, isGroupLeft: true })
  })

  it('started when /proc says so, where that is told', async () => {
    let told = 0
    for (let count = 0; count < 20; count += 1) {
      const { pid, startTick, ended } = await prepareProcess({ ...SHELL, argv: ['sh', '-c', 'read line'] })()
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      if (startTick !== undefined) expect(String(startTick)).toBe(stat.split(' ')[21])
      told += startTick === undefined ? 0 : 1
      await ended
    }
    expect(told).toBeGreaterThan(0)
  })

  it('fails to start with the reason of the system, and leaves no process and no descriptor', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'sub'))
    writeFileSync(join(directory, 'text'), 'x')
    writeFileSync(join(directory, 'lost'), '#!/no/such/interpreter\n', { mode: 0o755 })
    const argv = ['it']
    await end({ ...SHELL, argv: ['sh', '-c', ':'] })
    const [childrenBefore, openBefore] = [children(), openCount()]
    expect(await codeOf({ ...SHELL, argv, file: '/no/such/file' })).toBe('ENOENT')
    expect(await codeOf({ ...SHELL, argv, file: 'lost', directory })).toBe('ENOENT')
    expect(await codeOf({ ...SHELL, argv, file: 'sub', directory })).toBe('EACCES')
    expect(await codeOf({ ...SHELL, argv, file: 'text', directory })).toBe('EACCES')
    expect(await codeOf({ ...SHELL, argv, file: 'text/it', directory })).toBe('ENOTDIR')
    expect(await codeOf({ ...SHELL, argv, directory: join(directory, 'text') })).toBe('ENOTDIR')
    expect(await codeOf({ ...SHELL, argv, directory: join(directory, 'missing') })).toBe('ENOENT')
    expect(await codeOf({ ...SHELL, argv: ['sh', 'x'.repeat(200 * 1024)] })).toBe('E2BIG')
    expect(await codeOf({ ...SHELL, argv: ['sh', 'a\0b'] })).toBe('ERR_INVALID_ARG_VALUE')
    expect(await codeOf({ ...SHELL, argv, environment: { A: 'a\0b' } })).toBe('ERR_INVALID_ARG_VALUE')
    expect(children().filter((pid) => !childrenBefore.includes(pid))).toEqual([])
    expect(openCount()).toBe(openBefore)
  })

  it('is known by its number to other threads before this one hears of it, and by 0 if it does not start', async () => {
    const group = new Int32Array(new SharedArrayBuffer(4))
    const starting = prepareProcess({ ...SHELL, argv: ['sh', '-c', 'exit 3'], group })()
    const deadlineMs = performance.now() + 10_000
    // This thread hears of nothing here.
    while (Atomics.load(group, 0) === 0) expect(performance.now()).toBeLessThan(deadlineMs)
    const { pid, ended } = await starting
    expect(Atomics.load(group, 0)).toBe(pid)
    expect(await ended).toMatchObject({ exitCode: 3 })
    group[0] = 77
    expect(await codeOf({ ...SHELL, argv: ['it'], file: '/no/such/file', group })).toBe('ENOENT')
    expect(Atomics.load(group, 0)).toBe(0)
  })

  it('can be signalled by who has just heard of its start, even if it has ended by then', async () => {
    const start = prepareProcess({ ...SHELL, argv: ['sh', '-c', ':'] })
    for (let count = 0; count < 20; count += 1) {
      const starting = start()
      // It starts and ends while this thread hears of neither.
      const before = new Set(children())
      const isOver = (): boolean => children().every((pid) => before.has(pid) || processLetter(pid) === 'Z')
      for (let look = 0; look < 20 || !isOver(); look += 1) expect(look).toBeLessThan(10_000)
      const { pid, ended } = await starting
      expect(() => process.kill(-pid, 0)).not.toThrow()
      await ended
      expect(() => process.kill(-pid, 0)).toThrow('ESRCH')
    }
  })

  it('is not started when it is too late', async () => {
    const directory = temporaryDirectory()
    const argv = ['sh', '-c', 'echo started > file']
    expect(await codeOf({ ...SHELL, argv, directory, waitMaxMs: 0 })).toBe('ECANCELED')
    expect(readdirSync(directory)).toEqual([])
    const { waitedMs, ended } = await prepareProcess({ ...SHELL, argv, directory, waitMaxMs: 60_000 })()
    expect(waitedMs).toBeGreaterThan(0)
    expect(await ended).toMatchObject({ exitCode: 0 })
  })

  it('has the variables of its own beside those that it shares with others', async () => {
    const directory = temporaryDirectory()
    const environment = { SHARED: 'a b' }
    const argv = ['sh', '-c', 'echo "$SHARED|$OWN" >> out']
    for (const OWN of ['1', '2']) {
      await end({ file: '/bin/sh', directory, argv, environment, variables: { OWN } })
    }
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('a b|1\na b|2\n')
  })

  it('gives a text without an interpreter line to the shell, with its words', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'tool'), 'echo "$0|$*" > out\n')
    chmodSync(join(directory, 'tool'), 0o755)
    const start = { file: './tool', argv: ['tool', 'a b', 'c'], directory, environment: {} }
    expect(await end(start)).toMatchObject({ exitCode: 0, signal: null })
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('./tool|a b c\n')
  })

  it('has its outputs where they are wanted, also crossed over and both in one', async () => {
    const directory = temporaryDirectory()
    const open = (name: string): number => {
      const descriptor = openSync(join(directory, name), 'w')
      onTestFinished(() => closeSync(descriptor))
      return descriptor
    }
    const [low, high, both] = [open('low'), open('high'), open('both')]
    const argv = ['sh', '-c', 'echo out; echo err >&2']
    await end({ ...SHELL, argv, stdout: high, stderr: low })
    await end({ ...SHELL, argv, stdout: both, stderr: both })
    const texts = ['low', 'high', 'both'].map((name) => readFileSync(join(directory, name), 'utf8'))
    expect(texts).toEqual(['err\n', 'out\n', 'out\nerr\n'])
  })

  it('is reported once, however many end at once', async () => {
    const before = openCount()
    const count = 500
    const codes: (number | null)[] = []
    for (let first = 0; first < count; first += 50) {
      const numbers = Array.from({ length: 50 }, (_, index) => first + index)
      const run = async (number: number): Promise<number | null> =>
        (await end({ ...SHELL, argv: ['sh', '-c', `exit ${number % 256}`] })).exitCode
      codes.push(...(await Promise.all(numbers.map(run))))
    }
    expect(codes).toEqual(Array.from({ length: count }, (_, index) => index % 256))
    expect(openCount()).toBe(before)
  })
})
