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
  return await prepareProcess(start)().ended
}

/** What the system says of a start. */
function codeOf(start: ProcessStart): unknown {
  try {
    prepareProcess(start)()
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
    const { pid, ended } = prepareProcess({ ...SHELL, argv, environment: { PATH: process.env.PATH ?? '' } })()
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'))
    expect(await ended).toEqual({ exitCode: 0, signal: null, isGroupLeft: true })
  })

  it('started when /proc says so, where that is told', async () => {
    let told = 0
    for (let count = 0; count < 20; count += 1) {
      const { pid, startTick, ended } = prepareProcess({ ...SHELL, argv: ['sh', '-c', 'read line'] })()
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
    expect(codeOf({ ...SHELL, argv, file: '/no/such/file' })).toBe('ENOENT')
    expect(codeOf({ ...SHELL, argv, file: 'lost', directory })).toBe('ENOENT')
    expect(codeOf({ ...SHELL, argv, file: 'sub', directory })).toBe('EACCES')
    expect(codeOf({ ...SHELL, argv, file: 'text', directory })).toBe('EACCES')
    expect(codeOf({ ...SHELL, argv, file: 'text/it', directory })).toBe('ENOTDIR')
    expect(codeOf({ ...SHELL, argv, directory: join(directory, 'text') })).toBe('ENOTDIR')
    expect(codeOf({ ...SHELL, argv, directory: join(directory, 'missing') })).toBe('ENOENT')
    expect(codeOf({ ...SHELL, argv: ['sh', 'x'.repeat(200 * 1024)] })).toBe('E2BIG')
    expect(codeOf({ ...SHELL, argv: ['sh', 'a\0b'] })).toBe('ERR_INVALID_ARG_VALUE')
    expect(codeOf({ ...SHELL, argv, environment: { A: 'a\0b' } })).toBe('ERR_INVALID_ARG_VALUE')
    expect(children().filter((pid) => !childrenBefore.includes(pid))).toEqual([])
    expect(openCount()).toBe(openBefore)
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
