import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { NameIndex, type PlannedTask, STATE_CODE } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openAdministrator } from '../src/administrator.ts'
import { readDoneIndex } from '../src/done-index.ts'
import type { FileLayer } from '../src/file-layer.ts'
import { type JournalLine, printJournalLine } from '../src/journal.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { registerSession } from '../src/register-session.ts'
import { publishSnapshot } from '../src/snapshot-publishing.ts'
import type { StoreSession } from '../src/store-session.ts'
import { type LoadOptions, loadTasks } from '../src/task-loading.ts'
import { faultyFileLayer } from './faulty-file-layer.ts'
import { PROPERTY } from './property-options.ts'
import { freshRoot, mustClaim, openStore, plan, RECORD } from './store-harness.ts'

const { DONE, OPEN, FAILED } = STATE_CODE
async function session(root: string, files: FileLayer = nodeFileLayer): Promise<StoreSession> {
  const opened = await registerSession({
    ...{ root, files, durability: 'terminal', crashLimit: 5, command: undefined, onStep: undefined },
  })
  onTestFinished(() => opened.close().catch(() => undefined))
  return opened
}

/** Loads as an instance of its own; tells which tasks had their `state` opened. */
async function load(
  root: string,
  tasks: readonly PlannedTask[],
  options: LoadOptions = {},
): Promise<{ codes: number[]; faults: readonly string[]; read: string[] }> {
  const files = faultyFileLayer(() => undefined)
  const opened = await session(root, files)
  const { codes, faults } = await loadTasks(opened, tasks, { indexedFrom: 1, ...options })
  await opened.close()
  const read = files.calls.flatMap(({ name, path }) =>
    name === 'open' && path.endsWith('/state') ? (path.split('/').at(-2) ?? []) : [],
  )
  return { codes: [...codes], faults: faults.map(({ message }) => message), read: [...new Set(read)].sort() }
}

/** A root where all of these tasks were run and are DONE; gives the path of the journal. */
async function doneRoot(tasks: readonly PlannedTask[], durability: 'none' | 'terminal' = 'terminal') {
  const root = freshRoot()
  const store = await openStore(root, tasks, { durability })
  await store.load()
  for (const index of tasks.keys()) await store.publish(await mustClaim(store, index), 'DONE', RECORD)
  await store.close()
  return { root, journal: join(root, '.mpibatch', 'i', store.instance, 'journal.0') }
}

/** A root with DONE states and one journal, made by hand: fast for many tasks. */
function forgedRoot(names: readonly string[], lines: readonly JournalLine[] = names.map(done)): string {
  const root = freshRoot()
  mkdirSync(root)
  writeFileSync(join(root, 'DONE'), 'DONE\n')
  for (const name of names) {
    mkdirSync(join(root, name))
    linkSync(join(root, 'DONE'), join(root, name, 'state'))
  }
  writeJournal(root, '00000000000000aa', lines)
  return root
}

function writeJournal(root: string, instance: string, lines: readonly JournalLine[]): void {
  const directory = join(root, '.mpibatch', 'i', instance)
  mkdirSync(directory, { recursive: true })
  appendFileSync(join(directory, 'journal.0'), lines.map((line) => `${printJournalLine(line)}\n`).join(''))
}

function done(task: string): JournalLine {
  return { kind: 'D', slot: 2, task }
}

/** Writes a snapshot of what the index says now. */
async function snapshot(root: string, names: readonly string[]): Promise<void> {
  const index = readDoneIndex(nodeFileLayer, root, listOf(names))
  const staged = join(root, '.mpibatch', 'new')
  expect(await publishSnapshot(nodeFileLayer, root, { content: () => index.content(), staged })).toBe(true)
}

function listOf(names: readonly string[]): NameIndex {
  return NameIndex.of(names.length, (index) => names[index] ?? '')
}

const snapshots = (root: string): string[] => readdirSync(join(root, '.mpibatch', 'snap')).sort()
const setState = (root: string, name: string, text: string): void => {
  rmSync(join(root, name, 'state'))
  writeFileSync(join(root, name, 'state'), text)
}

describe('a start with an index', () => {
  it('opens no state of a task that is DONE, but for a sample', async () => {
    const tasks = plan('a', 'b', 'ü 1')
    const { root, journal } = await doneRoot(tasks)
    expect(readFileSync(journal, 'utf8')).toMatch(/^D 2 a \w{8}\nD 2 b \w{8}\nD 2 ü 1 \w{8}\n$/)
    const { codes, read } = await load(root, tasks)
    expect(codes).toEqual([DONE, DONE, DONE])
    expect(read).toHaveLength(1)
  })

  it('reads what failed, what is open, and what has no line', async () => {
    const tasks = plan('a', 'b', 'c')
    const root = freshRoot()
    const store = await openStore(root, tasks, { durability: 'terminal' })
    await store.publish(await mustClaim(store, 0), 'DONE', RECORD)
    await store.publish(await mustClaim(store, 1), 'FAILED', RECORD)
    await store.release(await mustClaim(store, 2))
    await store.close()
    setState(root, 'a', 'DONE\n')
    const { codes, read } = await load(root, tasks)
    expect(codes).toEqual([DONE, FAILED, OPEN])
    expect(read).toEqual(['a', 'b', 'c'])
  })

  it('is told nothing by a run that syncs nothing: a power cut could make it a lie', async () => {
    const { journal } = await doneRoot(plan('a'), 'none')
    expect(existsSync(journal)).toBe(false)
  })

  it('reads a list of fewer than 10,000 tasks whole, and all with rescan', async () => {
    const tasks = plan('a', 'b')
    const { root } = await doneRoot(tasks)
    const store = await openStore(root, tasks)
    setState(root, 'b', 'FAILED\n')
    expect([...(await store.load()).codes]).toEqual([DONE, OPEN])
    const rescan = await load(root, tasks, { rescan: true })
    expect(rescan.read).toEqual(['a', 'b'])
  })

  it('opens a hundred files of 20,000', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `t${index}`)
    const root = forgedRoot(names)
    const tasks = plan(...names)
    const first = await load(root, tasks, { indexedFrom: 10_000 })
    expect(first.read).toHaveLength(100)
    expect(snapshots(root)).toEqual(['1'])
    rmSync(join(root, '.mpibatch', 'i', '00000000000000aa'), { recursive: true })
    const second = await load(root, tasks, { indexedFrom: 10_000 })
    expect(second.read).toHaveLength(100)
    expect(second.codes.every((code) => code === DONE)).toBe(true)
    expect(snapshots(root)).toEqual(['1'])
    // Here, where there is time for it.
    rmSync(root, { recursive: true })
  }, 90_000)
})

describe('an index that is not whole', () => {
  it('ignores a torn tail, and lines that are damaged', async () => {
    const tasks = plan('a', 'b', 'c')
    const { root, journal } = await doneRoot(tasks)
    const text = readFileSync(journal, 'utf8')
    truncateSync(journal, text.length - 3)
    // One of the other two is the sample.
    const torn = (await load(root, tasks)).read
    expect([torn.length, torn.includes('c')]).toEqual([2, true])
    writeFileSync(journal, text.replace('D 2 b', 'D 2 c'))
    const damaged = (await load(root, tasks)).read
    expect([damaged.length, damaged.includes('b')]).toEqual([2, true])
  })

  it('does not count a journal as merged beyond a line that it can not read', async () => {
    const root = forgedRoot(['a', 'b'], [done('a')])
    const journal = join(root, '.mpibatch', 'i', '00000000000000aa', 'journal.0')
    const size = readFileSync(journal).length
    // As another machine may see it while the line is on its way.
    appendFileSync(journal, '\0\0\0\n')
    writeJournal(root, '00000000000000aa', [done('b')])
    await snapshot(root, ['a', 'b'])
    expect(readFileSync(join(root, '.mpibatch', 'snap', '1'), 'utf8')).toContain(
      `J 00000000000000aa 0 ${size}\n`,
    )
  })

  it('reads everything where nothing is left of it', async () => {
    const tasks = plan('a', 'b')
    const { root, journal } = await doneRoot(tasks)
    rmSync(journal)
    const { codes, read } = await load(root, tasks)
    expect([codes, read]).toEqual([
      [DONE, DONE],
      ['a', 'b'],
    ])
  })

  it('reads everything where a journal can not be read, for it might open a task again', async () => {
    const tasks = plan('a', 'b')
    const { root, journal } = await doneRoot(tasks)
    const files = faultyFileLayer(({ name, path }) =>
      name === 'read' && path === journal ? { code: 'EIO' } : undefined,
    )
    const opened = await session(root, files)
    await loadTasks(opened, tasks, { indexedFrom: 1 })
    const read = files.calls.filter(({ name, path }) => name === 'open' && path.endsWith('/state'))
    expect(read).toHaveLength(2)
  })

  const damages: [what: string, damage: (text: string) => string][] = [
    ['empty', () => ''],
    ['torn', (text) => text.slice(0, -4)],
    ['without its last line', (text) => text.slice(0, text.lastIndexOf('E '))],
    ['of another version', (text) => text.replace('index 1', 'index 2')],
    ['with a letter changed', (text) => text.replace('D 2 b', 'D 2 a')],
    ['with more behind its end', (text) => `${text}D 9 b\n`],
    ['full of something else', () => 'no such thing\n'.repeat(1000)],
  ]
  it.each(damages)('takes the journals for a snapshot that is %s', async (_what, damage) => {
    const names = ['a', 'b', 'c']
    const root = forgedRoot(names)
    await snapshot(root, names)
    const path = join(root, '.mpibatch', 'snap', '1')
    writeFileSync(path, damage(readFileSync(path, 'utf8')))
    const { codes, read } = await load(root, plan(...names))
    expect([codes, read.length]).toEqual([[DONE, DONE, DONE], 1])
    rmSync(join(root, '.mpibatch', 'i'), { recursive: true })
    expect((await load(root, plan(...names))).read).toHaveLength(3)
  })

  it('takes the snapshot before for one that is damaged', async () => {
    const root = forgedRoot(['a', 'b'])
    await snapshot(root, ['a', 'b'])
    await snapshot(root, ['a', 'b'])
    rmSync(join(root, '.mpibatch', 'i', '00000000000000aa'), { recursive: true })
    truncateSync(join(root, '.mpibatch', 'snap', '2'), 30)
    expect((await load(root, plan('a', 'b'))).read).toHaveLength(1)
    truncateSync(join(root, '.mpibatch', 'snap', '1'), 30)
    expect((await load(root, plan('a', 'b'))).read).toHaveLength(2)
  })
})

describe('an index that is out of date', () => {
  it('does not call a task DONE that was opened again, also if its result is put on record late', async () => {
    const names = ['a', 'b']
    const { root } = await doneRoot(plan(...names))
    await snapshot(root, names)
    const administrator = await openAdministrator(root)
    await administrator.reopen('a', { from: 'any' })
    await administrator.close()
    expect((await load(root, plan(...names))).codes).toEqual([OPEN, DONE])
    await snapshot(root, names)
    writeJournal(root, '00000000000000bb', [done('a')])
    expect((await load(root, plan(...names))).codes).toEqual([OPEN, DONE])
  })

  it('forgets a task whose directory was removed before anybody makes it again', async () => {
    const tasks = plan('a', 'b')
    const { root } = await doneRoot(tasks)
    rmSync(join(root, 'a'), { recursive: true })
    // A short list, which does not use the index, must not leave a trap for a long one.
    const store = await openStore(root, tasks)
    expect([...(await store.load()).codes]).toEqual([OPEN, DONE])
    await mustClaim(store, 0)
    await store.settle([0])
    await store.close()
    const { codes, faults } = await load(root, tasks)
    expect([codes, faults]).toEqual([[OPEN, DONE], []])
  })

  it('is found to lie by its sample, told once, read in full and put right', async () => {
    const names = Array.from({ length: 150 }, (_, index) => `t${index}`)
    const root = forgedRoot(names)
    for (const name of names) setState(root, name, 'OPEN\n')
    setState(root, 't7', 'DONE\n')
    const tasks = plan(...names)
    const { codes, faults, read } = await load(root, tasks)
    expect(read).toHaveLength(150)
    expect(codes.filter((code) => code === DONE)).toHaveLength(1)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(
      /^The index of .* calls task "t\d+" DONE, but .*state does not\. The states of all 150/,
    )
    const again = await load(root, tasks)
    expect([again.faults, again.codes]).toEqual([[], codes])
  })

  it('is put right by a rescan too', async () => {
    const root = forgedRoot(['a', 'b'])
    setState(root, 'b', 'OPEN\n')
    await load(root, plan('a', 'b'), { rescan: true })
    expect((await load(root, plan('a', 'b'))).codes).toEqual([DONE, OPEN])
  })
})

describe('a snapshot of the index', () => {
  it('keeps what it knows of tasks that are not in the list', async () => {
    const root = forgedRoot(['a', 'b', 'c'])
    await snapshot(root, ['b'])
    rmSync(join(root, '.mpibatch', 'i'), { recursive: true })
    expect((await load(root, plan('a', 'b', 'c'))).read).toHaveLength(1)
  })

  it('is kept together with the one before', async () => {
    const root = forgedRoot(['a'])
    for (let count = 0; count < 4; count += 1) await snapshot(root, ['a'])
    expect(snapshots(root)).toEqual(['3', '4'])
  })

  it('that can not be written stops nobody, and leaves nothing', async () => {
    const names = ['a', 'b']
    const root = forgedRoot(names)
    writeJournal(
      root,
      '00000000000000aa',
      Array.from({ length: 10_000 }, (_, index) => done(`t${index}`)),
    )
    for (const call of ['mkdir', 'write', 'sync', 'link'] as const) {
      let full = false
      const files = faultyFileLayer(({ name, path }) =>
        full && name === call && (path.includes('/snap') || path.includes('/new.'))
          ? { code: 'ENOSPC' }
          : undefined,
      )
      const opened = await session(root, files)
      full = true
      const { codes } = await loadTasks(opened, plan(...names), { indexedFrom: 1 })
      expect([codes.every((code) => code === DONE), call]).toEqual([true, call])
      full = false
      expect(readdirSync(opened.directory).filter((name) => name.startsWith('new.'))).toEqual([])
      expect(existsSync(join(root, '.mpibatch', 'snap', '1'))).toBe(false)
    }
    await load(root, plan(...names))
    expect(snapshots(root)).toEqual(['1'])
  })

  it('says with the journals what all lines say together, whenever it was written', async () => {
    const names = ['a', 'b', 'c']
    const line = fc.record({
      kind: fc.constantFrom('D' as const, 'R' as const),
      slot: fc.integer({ min: 0, max: 6 }),
      task: fc.constantFrom(...names, 'other'),
    })
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ instance: fc.constantFrom('1', '2'), line }) },
      { weight: 1, arbitrary: fc.constant('snapshot' as const) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const root = forgedRoot([], [])
        const lines: JournalLine[] = []
        for (const one of steps) {
          if (one === 'snapshot') await snapshot(root, names)
          else {
            writeJournal(root, one.instance.padStart(16, '0'), [one.line])
            lines.push(one.line)
          }
        }
        const index = readDoneIndex(nodeFileLayer, root, listOf(names))
        for (const [taskIndex, name] of names.entries()) {
          const slotOf = (kind: 'D' | 'R'): number =>
            Math.max(-1, ...lines.flatMap((one) => (one.task === name && one.kind === kind ? one.slot : [])))
          expect(index.isDone(taskIndex)).toBe(slotOf('D') > slotOf('R'))
        }
        rmSync(root, { recursive: true })
      }),
      { ...PROPERTY, numRuns: 60 },
    )
  })
})
