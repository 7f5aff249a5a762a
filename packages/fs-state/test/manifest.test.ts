import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PlannedTask, StateCorruptError, TasksChangedError } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KnownTasks } from '../src/known-tasks.ts'
import { parseManifestEntry, printManifestEntry } from '../src/manifest.ts'
import { compareTasks } from '../src/manifest-comparison.ts'
import { faultyFileLayer } from './faulty-file-layer.ts'
import { PROPERTY } from './property-options.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD, stateText } from './store-harness.ts'

const changed = (name: string): PlannedTask => ({
  name,
  fingerprint: 'another print',
  summary: `run ${name} faster`,
})
const names = (root: string): string[] => Array.from(new KnownTasks(root), ({ name }) => name)
const segments = (root: string): string[] =>
  readdirSync(join(root, '.mpibatch')).filter((name) => name.startsWith('manifest'))

describe('a line of the manifest', () => {
  it('comes back, whatever the values are', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null))
    const values = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      value,
    )
    fc.assert(
      fc.property(values, fc.string(), fc.string(), (given, fingerprint, summary) => {
        const task = { name: 'a', values: { ...given }, fingerprint, summary }
        expect(parseManifestEntry(printManifestEntry(task))).toEqual(task)
      }),
      PROPERTY,
    )
  })

  it.each([
    ['', 'is not a JSON object'],
    ['[1]', 'is not a JSON object'],
    ['{"name":1}', 'has no "name"'],
    ['{"name":"../x","fingerprint":"f"}', 'has a "name" that contains "/"'],
    ['{"name":".mpibatch","fingerprint":"f"}', 'is the name of the directory that mpibatch itself uses'],
    ['{"name":"a"}', 'has no "fingerprint"'],
    ['{"name":"a","fingerprint":"f","values":{"1":[1]}}', 'has "values" that are not plain'],
  ])('%j is refused: it %s', (text, fault) => {
    expect(parseManifestEntry(text)).toContain(fault)
  })
})

describe('comparing tasks with the manifest', () => {
  it('tells added, changed and unchanged ones apart; the last line on a task counts', () => {
    const [a, b, c] = [...plan('a', 'b'), changed('c')]
    if (a === undefined || b === undefined || c === undefined) throw new Error('three tasks')
    const old = { ...a, fingerprint: 'old' }
    const result = compareTasks([a, b, c], [old, a, ...plan('c', 'z')])
    expect([...result.added]).toEqual([1])
    expect(result.changed.map(({ name }) => name)).toEqual(['c'])
    expect(result.unchangedCount).toBe(1)
    expect(compareTasks([a], [a, old]).changed).toHaveLength(1)
  })

  it('is found wherever it stands, and as often as it comes', () => {
    const task = fc.record({ name: fc.constantFrom(...'abcdefgh'), fingerprint: fc.constantFrom('1', '2') })
    const list = fc.uniqueArray(task, { selector: ({ name }) => name })
    fc.assert(
      fc.property(list, fc.array(task), (tasks, known) => {
        const last = new Map(known.map((entry) => [entry.name, entry.fingerprint]))
        const result = compareTasks(tasks, known)
        const added = Array.from(result.added, (position) => tasks[position])
        expect(added).toEqual(tasks.filter(({ name }) => !last.has(name)))
        expect(result.changed.map(({ after }) => after)).toEqual(
          tasks.filter(({ name, fingerprint }) => last.has(name) && last.get(name) !== fingerprint),
        )
        expect(result.unchangedCount).toBe(tasks.length - result.added.length - result.changed.length)
      }),
      PROPERTY,
    )
  })
})

describe('the manifest of a root', () => {
  it('grows by what is new, and is not written again when nothing is', async () => {
    const root = freshRoot()
    await openStore(root, plan('b', 'a'))
    await openStore(root, plan('a', 'b'))
    expect(segments(root)).toEqual(['manifest'])
    await openStore(root, plan('a', 'c'))
    expect(segments(root)).toEqual(['manifest', 'manifest.2'])
    expect(names(root)).toEqual(['b', 'a', 'c'])
    expect(
      readFileSync(join(root, '.mpibatch', 'manifest.2'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(2)
  })

  it('loses no line when many instances add tasks at once', async () => {
    const root = freshRoot()
    await openStore(root, plan('first'))
    const lists = Array.from({ length: 8 }, (_, number) => plan('shared', `own ${number}`))
    await Promise.all(lists.map((tasks) => openStore(root, tasks, { durability: 'full' })))
    expect(names(root).sort()).toEqual(['first', ...lists.map((_, number) => `own ${number}`), 'shared'])
    const lines = segments(root).flatMap((name) =>
      readFileSync(join(root, '.mpibatch', name), 'utf8')
        .trim()
        .split('\n'),
    )
    expect(lines.filter((line) => line.includes('"shared"'))).toHaveLength(1)
  })

  it('is written without links as well', async () => {
    const root = freshRoot()
    const files = faultyFileLayer((call) => (call.name === 'link' ? { code: 'EPERM' } : undefined))
    await openStore(root, plan('a'), { files })
    await openStore(root, plan('a', 'b'), { files })
    expect(names(root)).toEqual(['a', 'b'])
  })

  it.each([
    ['garbage\n', 3, 'is not a JSON object'],
    ['{"name":"x","fingerprint":"f"}', 3, 'is not complete'],
  ])('with a bad line is refused with its place: %j', async (text, line, fault) => {
    const root = freshRoot()
    await (await openStore(root)).close()
    appendFileSync(join(root, '.mpibatch', 'manifest'), text)
    await expect(openStore(root)).rejects.toThrow(StateCorruptError)
    await expect(openStore(root)).rejects.toThrow(`Line ${line} of ${root}/.mpibatch/manifest ${fault}`)
  })

  it('of a later version is refused', async () => {
    const root = freshRoot()
    mkdirSync(join(root, '.mpibatch'), { recursive: true })
    writeFileSync(join(root, '.mpibatch', 'manifest'), '{"format":"mpibatch manifest","version":2}\n')
    await expect(openStore(root)).rejects.toThrow(/version 2/)
  })
})

describe('tasks that would run something else', () => {
  it('are refused, all of them named with both commands, and nothing is changed', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b'))
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    await store.close()
    const before = readdirSync(join(root, '.mpibatch', 'i'))
    const error = await openStore(root, [...plan('a'), changed('b')]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TasksChangedError)
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /One known task .*\n {2}b: run b -> run b faster\n.*--accept-changes.*--root/s,
      ),
      details: { changes: [{ name: 'b', before: { summary: 'run b' }, after: { summary: 'run b faster' } }] },
    })
    expect(readdirSync(join(root, '.mpibatch', 'i'))).toEqual(before)
    expect(segments(root)).toEqual(['manifest'])
  })

  it('lists ten of them at most', async () => {
    const root = freshRoot()
    const many = Array.from({ length: 12 }, (_, number) => `t${number}`)
    await openStore(root, plan(...many))
    await expect(openStore(root, many.map(changed))).rejects.toThrow(
      /12 known tasks.*t9: .*\n {2}… and 2 more/s,
    )
  })

  it('are opened again when changes are accepted, and no other task is', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b', 'c'))
    for (const [index, end] of (['DONE', 'DONE', 'FAILED'] as const).entries()) {
      await store.publish(await mustClaim(store, index), end, RECORD)
    }
    await store.close()
    const next = await openStore(root, [...plan('a'), changed('b'), changed('c')], { acceptChanges: true })
    expect(['a', 'b', 'c'].map((name) => stateText(root, name))).toEqual(['DONE\n', 'OPEN\n', 'OPEN\n'])
    await next.close()
    await openStore(root, [changed('b')])
    await expect(openStore(root, plan('b'))).rejects.toThrow(TasksChangedError)
  })

  it('are found again if the run that accepted them died before it had written the manifest', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    await store.close()
    const files = faultyFileLayer((call) =>
      call.name === 'link' && call.path.endsWith('manifest.2') ? { code: 'ENOSPC' } : undefined,
    )
    await expect(openStore(root, [changed('a')], { acceptChanges: true, files })).rejects.toThrow(
      /manifest\.2.*full/,
    )
    expect(stateText(root)).toBe('OPEN\n')
    await expect(openStore(root, [changed('a')])).rejects.toThrow(TasksChangedError)
    await openStore(root, [changed('a')], { acceptChanges: true })
  })

  it('are refused while a living instance runs them the old way', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    await mustClaim(store)
    const accept = (): Promise<unknown> => openStore(root, [changed('a')], { acceptChanges: true })
    await expect(accept()).rejects.toThrow(/runs at this moment/)
    expect(segments(root)).toEqual(['manifest'])
    pretendDead(root, store.instance)
    await accept()
    expect(existsSync(join(root, '.mpibatch', 'manifest.2'))).toBe(true)
  })
})
