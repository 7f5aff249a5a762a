/** The simulated file system answers as the real one does, but for what it is there for. */
import { constants } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import type { FileLayer } from '../../src/file-layer.ts'
import { nodeFileLayer } from '../../src/node-file-layer.ts'
import { PROPERTY } from '../property-options.ts'
import { RandomSource } from './random-source.ts'
import { SimulatedClient } from './simulated-client.ts'
import { SimulatedFileSystem } from './simulated-file-system.ts'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const READ = O_RDONLY | O_NOFOLLOW
const CREATE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
const APPEND = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW
const OPERATIONS = [
  ...(['create', 'append', 'read', 'directory', 'link', 'symlink', 'readlink'] as const),
  ...(['rename', 'unlink', 'mkdir', 'rmdir', 'peek', 'list'] as const),
]

/** Few names, so that they meet; some of them below others. */
const NAMES = ['a', 'b', 'c', 'a/x', 'a/y', 'b/x', 'a/x/z']

interface Operation {
  readonly kind: (typeof OPERATIONS)[number]
  readonly one: string
  readonly other: string
}

function withOpened<T>(files: FileLayer, path: string, flags: number, use: (descriptor: number) => T): T {
  const descriptor = files.open(path, flags)
  try {
    return use(descriptor)
  } finally {
    files.close(descriptor)
  }
}

function readText(files: FileLayer, path: string): string {
  return withOpened(files, path, READ, (descriptor) => {
    const buffer = Buffer.alloc(256)
    return buffer.toString('utf8', 0, files.read(descriptor, buffer))
  })
}

/** What an operation gives: its result or its error's code. */
function outcomeOf(files: FileLayer, root: string, { kind, one, other }: Operation): unknown {
  const path = join(root, one)
  const beside = join(root, other)
  try {
    switch (kind) {
      case 'create':
        return withOpened(files, path, CREATE, (descriptor) => files.write(descriptor, `made as ${one}\n`))
      case 'append':
        return withOpened(files, path, APPEND, (descriptor) => files.write(descriptor, 'more äöü\n'))
      case 'read':
        return readText(files, path)
      case 'directory':
        return withOpened(files, path, O_RDONLY | O_DIRECTORY, (descriptor) => files.kindOf(descriptor))
      case 'list':
        return [...files.list(path)].map((entry) => `${entry.name} ${entry.kind}`).sort()
      case 'symlink':
        return files.symlink(other, path)
      case 'link':
      case 'rename':
        return files[kind](path, beside)
      default:
        return files[kind](path)
    }
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

describe('the simulated file system', () => {
  it('gives the results and the errors that the real one gives', () => {
    const operation = fc.record({
      kind: fc.constantFrom(...OPERATIONS),
      one: fc.constantFrom(...NAMES),
      other: fc.constantFrom(...NAMES),
    })
    const base = temporaryDirectory()
    let count = 0
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (operations) => {
        count += 1
        const root = join(base, String(count))
        nodeFileLayer.mkdir(root)
        const system = new SimulatedFileSystem()
        system.mkdir(system.place('/root', 'mkdir'))
        const simulated = new SimulatedClient(system)
        for (const one of operations) {
          const real = outcomeOf(nodeFileLayer, root, one)
          expect(outcomeOf(simulated, '/root', one), JSON.stringify(one)).toEqual(real)
        }
      }),
      { ...PROPERTY, verbose: 0, numRuns: 300 },
    )
  })

  it('keeps through a power cut what was synced, and may lose the rest', async () => {
    const lost = { name: 0, text: 0 }
    for (let seed = 0; seed < 200; seed += 1) {
      const system = new SimulatedFileSystem({ metadata: seed % 2 === 0 ? 'ordered' : 'unordered' })
      const files = new SimulatedClient(system)
      files.mkdir('/d')
      system.syncAll()
      const descriptor = files.open('/d/first', CREATE)
      files.write(descriptor, 'synced')
      await files.sync(descriptor)
      files.write(descriptor, ' and not')
      await files.sync(files.open('/d', O_RDONLY | O_DIRECTORY))
      files.rename('/d/first', '/d/second')
      system.powerCut(new RandomSource(seed))
      const [first, second] = [system.textOf('/d/first'), system.textOf('/d/second')]
      expect([first, second].filter((text) => text !== undefined)).toHaveLength(1)
      expect(first ?? second).toMatch(/^synced( and not| and no| and n| and | and| an| a| |)$/)
      if (first !== undefined) lost.name += 1
      if ((first ?? second) === 'synced') lost.text += 1
    }
    expect(lost.name).toBeGreaterThan(20)
    expect(lost.text).toBeGreaterThan(20)
  })

  it('loses the last changes of a directory first, unless it is one that keeps no order', () => {
    const left = (metadata: 'ordered' | 'unordered'): Set<string> => {
      const found = new Set<string>()
      for (let seed = 0; seed < 200; seed += 1) {
        const system = new SimulatedFileSystem({ metadata })
        const files = new SimulatedClient(system)
        for (const name of ['1', '2', '3']) files.mkdir(`/${name}`)
        system.powerCut(new RandomSource(seed))
        found.add([...system.root.entries.keys()].sort().join(''))
      }
      return found
    }
    expect(left('ordered')).toEqual(new Set(['', '1', '12', '123']))
    expect(left('unordered').size).toBe(8)
  })
})
