import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlannedTask, PlannedTasks } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { findKnownPlan, noteKnownPlan } from '../src/known-plan.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { faultyFileLayer } from './faulty-file-layer.ts'
import { freshRoot, openStore, plan } from './store-harness.ts'

const COUNT = 10_000

/** A list as `mpibatch run` plans one: tasks are made when they are asked for. */
class LazyTasks implements PlannedTasks {
  readonly length = COUNT
  readonly digest: string
  made = 0

  constructor(digest: string) {
    this.digest = digest
  }

  at(index: number): PlannedTask {
    this.made += 1
    return { name: `t${index}`, fingerprint: this.digest }
  }

  *[Symbol.iterator](): Generator<PlannedTask> {
    for (let index = 0; index < this.length; index += 1) yield this.at(index)
  }
}

const path = (root: string, name: string): string => join(root, '.mpibatch', name)
const isKnown = (root: string, digest = 'one', length = COUNT): boolean =>
  findKnownPlan(nodeFileLayer, root, { ...plan(), length, digest } as unknown as PlannedTasks) !== undefined

/** A root with a manifest of one segment, of which is noted that it holds the list of this digest. */
async function notedRoot(digest = 'one', length = COUNT): Promise<string> {
  const root = freshRoot()
  await openStore(root, plan('a'))
  const tasks = { ...plan(), length, digest } as unknown as PlannedTasks
  await noteKnownPlan(nodeFileLayer, root, { tasks, segmentCount: 1, staged: path(root, 'staged') })
  return root
}

describe('a list that the manifest was compared with', () => {
  it('is not compared again, while another one is, and after it the first', async () => {
    const root = freshRoot()
    await openStore(root, new LazyTasks('one'), { acceptChanges: true })
    const manifestReads = async (tasks: PlannedTasks): Promise<number> => {
      const files = faultyFileLayer(() => undefined)
      await openStore(root, tasks, { files, acceptChanges: true })
      return files.calls.filter((call) => call.name === 'read' && call.path.includes('manifest')).length
    }
    const same = new LazyTasks('one')
    expect(await manifestReads(same)).toBe(0)
    expect(same.made).toBe(0)
    expect(await manifestReads(new LazyTasks('two'))).toBeGreaterThan(0)
    expect(await manifestReads(new LazyTasks('two'))).toBe(0)
    expect(await manifestReads(new LazyTasks('one'))).toBeGreaterThan(0)
  })

  it('is known by its digest, if it is long enough', async () => {
    const root = await notedRoot()
    expect(isKnown(root)).toBe(true)
    expect(isKnown(root, 'two')).toBe(false)
    expect(isKnown(root, 'one', COUNT - 1)).toBe(false)
    expect(existsSync(path(await notedRoot('one', COUNT - 1), 'plan'))).toBe(false)
  })

  it.each<[string, (root: string) => void]>([
    ['has grown', (root) => appendFileSync(path(root, 'manifest'), '\n')],
    [
      'was written anew',
      (root) => writeFileSync(path(root, 'manifest'), readFileSync(path(root, 'manifest'))),
    ],
    ['has another segment', (root) => writeFileSync(path(root, 'manifest.2'), '')],
    ['has gone', (root) => renameSync(path(root, 'manifest'), path(root, 'manifest.old'))],
  ])('is compared when the manifest %s', async (_change, change) => {
    const root = await notedRoot()
    change(root)
    expect(isKnown(root)).toBe(false)
  })

  it.each([
    ['empty', () => ''],
    ['torn', (text: string) => text.slice(0, -5)],
    ['of another version', (text: string) => text.replace('"version":1', '"version":2')],
    ['something else', () => '[]'],
  ])('is compared when the note is %s', async (_what, damage) => {
    const root = await notedRoot()
    writeFileSync(path(root, 'plan'), damage(readFileSync(path(root, 'plan'), 'utf8')))
    expect(isKnown(root)).toBe(false)
  })

  it('is compared again when it could not be noted, and nothing is left of the note', async () => {
    const root = freshRoot()
    await openStore(root, plan('a'))
    for (const failing of ['write', 'rename']) {
      const files = faultyFileLayer(({ name }) => (name === failing ? { code: 'ENOSPC' } : undefined))
      const tasks = { ...plan(), length: COUNT, digest: 'one' } as unknown as PlannedTasks
      await noteKnownPlan(files, root, { tasks, segmentCount: 1, staged: path(root, 'staged') })
      expect(existsSync(path(root, 'staged'))).toBe(false)
      expect(isKnown(root)).toBe(false)
    }
  })
})
