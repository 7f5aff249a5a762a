/**
 * Nothing but gc removes an event, or puts anything else in its place: in what the sources say, and in what they do over
 * the whole life of tasks.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAdministrator } from '../src/administrator.ts'
import { collectGarbage } from '../src/gc.ts'
import { type FileCall, faultyFileLayer } from './faulty-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD } from './store-harness.ts'

const SOURCES = join(import.meta.dirname, '..', 'src')

/**
 * Every call that takes a name away or gives it to another file, by file and first argument. Whoever adds one says here
 * what it is about.
 */
const REMOVALS: Readonly<Record<string, readonly string[]>> = {
  // Payloads only; the prefix of those names is that of payloads.
  'append.ts': [
    'removeFile payloadPath(directory, earlier, owner)',
    `removeFile \`\${directory}/\${name}\``,
    'removeFile path',
    'rename payload',
    'removeFile path',
  ],
  // The calls that all others are made of, and what is staged.
  'file-access.ts': ['removeFile path', 'unlink path', 'rmdir path', 'removeFile staged'],
  // What an earlier try has left in a directory that is not in its place yet.
  'first-claim.ts': ['removeFile statePath(staged)'],
  // A file of the root's own directory.
  'known-plan.ts': ['rename staged', 'removeFile staged'],
  'node-file-layer.ts': ['renameSync from', 'unlinkSync path', 'rmdirSync path'],
  'heartbeat-thread.ts': ['rmdirSync path'],
  // Directories of instances, never of tasks.
  'owners.ts': ['removeDirectory leaseLockPath(instanceDirectory(root, found.instance))'],
  'saved-verdict.ts': ['removeFile staged', 'rename staged'],
  // The user's own files, at paths that the user gives.
  'shared-files/published-file.ts': ['rm staged', 'rename staged'],
  'snapshot-publishing.ts': ['removeFile staged', 'removeFile snapshotPath(root, sequence)'],
  'store-suitability.ts': ['rename path', 'removeFile renamed'],
  // A directory that is not in its place yet.
  // What was built for a task that another one had meanwhile: it has never been in the task's directory.
  'task-directories.ts': [
    'rename staged',
    'removeFile statePath(staged)',
    'removeFile eventPath(staged, 1)',
    'removeDirectory staged',
  ],
  // A value that could not be written whole.
  'task-values.ts': ['removeFile path'],
}

/** gc itself; and the doctor and shared buffers, which work in directories of their own. */
const ALLOWED = /^(task-garbage|instance-garbage)\.ts$|^(doctor|shared-buffers)\//

const REMOVAL =
  /(?<!#)\b(removeFile|removeDirectory|(?:unlink|rmdir|rename|rm|truncate|ftruncate)(?:Sync)?)\((?:files, |this\.#options\.files, )?((?:[^(),]|\([^()]*(?:\([^()]*\))?[^()]*\))+)/g

function removalsIn(source: string): string[] {
  return source.split('\n').flatMap((line) => {
    if (/^\s*(\*|\/\/|\/\*|export function)/.test(line) || /^ {2}\w+\(.*\): void$/.test(line)) return []
    return [...line.matchAll(REMOVAL)].map(([, call, argument]) => `${call} ${argument}`)
  })
}

describe('an event', () => {
  it('is removed by no line of the sources but those of gc', () => {
    const found: Record<string, readonly string[]> = {}
    for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || ALLOWED.test(name)) continue
      const removals = removalsIn(readFileSync(join(SOURCES, name), 'utf8'))
      if (removals.length > 0) found[name] = removals
    }
    expect(found).toEqual(REMOVALS)
  })

  it('is never removed or replaced while tasks are run, retried, taken over, opened again and looked at', async () => {
    const root = freshRoot()
    const files = faultyFileLayer(() => undefined)
    const store = await openStore(root, plan('a', 'b', 'c'), { files })
    await store.publish(await mustClaim(store, 0), 'FAILED', RECORD)
    await store.publish(await mustClaim(store, 0, { retryFailed: true }), 'DONE', RECORD)
    await store.publish(await mustClaim(store, 0, { rerun: true }), 'DONE', RECORD)
    await store.release(await mustClaim(store, 1))
    await mustClaim(store, 1)
    await mustClaim(store, 2)
    await store.settle([2])
    const dead = await openStore(root, plan('a', 'b', 'c', 'd'), { files })
    const claim = await mustClaim(dead, 3)
    pretendDead(root, dead.instance)
    const successor = await openStore(root, plan('a', 'b', 'c', 'd'), { files })
    await successor.load()
    await successor.publish(await mustClaim(successor, 3), 'DONE', RECORD)
    await expect(dead.publish(claim, 'DONE', RECORD)).rejects.toThrow('taken over')
    for (const one of [store, dead, successor]) await one.close()
    const administrator = await openAdministrator(root, { files })
    for (const name of ['a', 'b', 'c', 'd']) await administrator.reopen(name, { from: 'running' })
    for (const name of ['a', 'b', 'c', 'd']) await administrator.reopen(name, { from: 'any', force: true })
    await administrator.close()
    expect(taken(files.calls)).toEqual([])
    expect(madeEvents(files.calls, root).length).toBeGreaterThan(15)
    // The same eyes see it where it does happen.
    const last = await openStore(root, plan('a'))
    await last.publish(await mustClaim(last, 0), 'DONE', RECORD)
    await last.close()
    await collectGarbage(root, { files })
    expect(taken(files.calls).length).toBeGreaterThan(0)
  })
})

const EVENT = /\/state\.ev\.\d+$/

/** Events that were removed, renamed away or renamed over. The layer tells of a rename where it leads to. */
function taken(calls: readonly FileCall[]): string[] {
  const removed = calls.filter(
    ({ name, path }) => (name === 'unlink' || name === 'rename') && EVENT.test(path),
  )
  // What is renamed to something else but a state or a directory of a task could have been an event.
  const renamed = calls.filter(
    ({ name, path }) => name === 'rename' && !/\/(state|[abcd]|probed)$/.test(path),
  )
  return [...removed, ...renamed].map(({ name, path }) => `${name} ${path}`)
}

function madeEvents(calls: readonly FileCall[], root: string): string[] {
  return calls.flatMap(({ name, path }) => (name === 'link' && EVENT.test(path) ? relative(root, path) : []))
}
