/**
 * Processes that are killed while they write a snapshot of the index, or while they remove what is not needed. Each
 * kill comes right before one call; what stands on the disk then is what the next process finds.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runActor, stateOf } from '../multi-process/store-actors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const FIXTURE = join(import.meta.dirname, '../multi-process/fixtures/dying-instance.mjs')
const { DONE, OPEN } = { DONE: 2, OPEN: 0 }

interface Dying {
  readonly root: string
  readonly tasks?: readonly string[]
  readonly what: 'load' | 'gc'
  readonly at?: { readonly name: string; readonly path: string; readonly count?: number }
}

/** Runs the fixture; gives the signal that ended it, or what it printed. */
async function run(script: Dying): Promise<unknown> {
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify(script)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [printed, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (signal !== null) return signal
  expect(code).toBe(0)
  return JSON.parse(printed)
}

describe('killed while it writes a snapshot of the index', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `t${index}`)
  const doneCount = 40

  /** Few of the tasks have a directory; the journal has many lines on tasks that are not in the list. */
  function makeRoot(): string {
    const root = join(temporaryDirectory(), 'root')
    for (const name of names.slice(0, doneCount)) {
      mkdirSync(join(root, name), { recursive: true })
      writeFileSync(join(root, name, 'state'), 'DONE\n')
    }
    const directory = join(root, '.mpibatch', 'i', '00000000000000aa')
    mkdirSync(directory, { recursive: true })
    const tasks = [...names.slice(0, doneCount), ...names.map((name) => `other ${name}`)]
    const lines = tasks.map((name) => {
      const body = `D 2 ${name}`
      return `${body} ${crc32(body).toString(16).padStart(8, '0')}\n`
    })
    writeFileSync(join(directory, 'journal.0'), lines.join(''))
    return root
  }

  it.each([
    ['before its text', { name: 'write', path: 'new\\.0\\.3$' }, []],
    ['before it is on the disk', { name: 'sync', path: 'new\\.0\\.3$' }, []],
    ['before it has its name', { name: 'link', path: 'snap/1$' }, []],
    ['before the other name is gone', { name: 'unlink', path: 'new\\.0\\.3$' }, ['1']],
    ['before its name is on the disk', { name: 'sync', path: 'snap$' }, ['1']],
  ])('%s', async (_when, at, left) => {
    const root = makeRoot()
    const expected = names.map((_, index) => (index < doneCount ? DONE : OPEN))
    expect(await run({ root, tasks: names, what: 'load', at })).toBe('SIGKILL')
    // What is written before it, under other names: the manifest, and which list it was compared with.
    expect(readdirSync(join(root, '.mpibatch'))).toContain('manifest')
    const snapshots = join(root, '.mpibatch', 'snap')
    expect(existsSync(snapshots) ? readdirSync(snapshots) : []).toEqual(left)
    expect(await run({ root, tasks: names, what: 'load' })).toEqual({ codes: expected, faults: [] })
    expect(readdirSync(snapshots)).toEqual(['1'])
    expect(readFileSync(join(snapshots, '1'), 'utf8')).toMatch(/\nE \d+\n$/)
    expect(await run({ root, tasks: names, what: 'load' })).toEqual({ codes: expected, faults: [] })
  })
})

describe('killed while it removes what is not needed', () => {
  it.each([
    ['before the history has its name', { name: 'link', path: 'history/1$' }],
    ['before the index has its name', { name: 'link', path: 'snap/1$' }],
    ['before a journal goes', { name: 'unlink', path: 'journal\\.0$' }],
    ['before the first event goes', { name: 'unlink', path: 'state\\.ev\\.2$' }],
    ['between two events', { name: 'unlink', path: 'state\\.ev\\.1$' }],
    ['before a token goes', { name: 'unlink', path: 'tok\\.0' }],
    ['before an instance goes', { name: 'unlink', path: 'life\\.1$' }],
    ['while an instance goes', { name: 'unlink', path: 'info\\.json$' }],
  ])('%s', async (_when, at) => {
    const root = join(temporaryDirectory(), 'root')
    await runActor({
      ...{ root, tasks: ['a', 'b'] },
      actions: [
        ['claim', 0],
        ['DONE', 0],
        ['claim', 1],
        ['DONE', 1],
      ],
    })
    const expected = { codes: [DONE, DONE], faults: [] }
    expect(await run({ root, what: 'gc', at })).toBe('SIGKILL')
    expect(await run({ root, tasks: ['a', 'b'], what: 'load' })).toEqual(expected)
    await run({ root, what: 'gc' })
    for (const name of ['a', 'b']) {
      expect(stateOf(root, name)).toBe('DONE\n')
      expect(readdirSync(join(root, name))).toEqual(['state'])
    }
    expect(await run({ root, tasks: ['a', 'b'], what: 'load' })).toEqual(expected)
    // The gc before and the load remain of all that was there; the first run and the killed gc are gone.
    expect(readdirSync(join(root, '.mpibatch', 'i'))).toHaveLength(2)
  })
})
