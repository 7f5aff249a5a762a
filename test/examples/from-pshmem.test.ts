/** The programs of `examples/09-from-pshmem` alone and on threads, and the page that tells them line by line. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectBatch, expectLock, expectShared, FROM_PSHMEM } from '../support/from-pshmem.ts'
import { type Ended, runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RANKS = 4

function alone(name: string, ...argv: readonly string[]): Promise<Ended> {
  return startNode([join(FROM_PSHMEM, name), ...argv], { cwd: FROM_PSHMEM }).ended
}

function asThreads(name: string, ...argv: readonly string[]): Promise<Ended> {
  const script = join(FROM_PSHMEM, name)
  return runProgram(['run', '-j', String(RANKS), script, '--', ...argv], { cwd: FROM_PSHMEM })
}

describe('programs that were written for pshmem', () => {
  it('set parts of a shared array, alone and on threads', async () => {
    expectShared(await alone('shared.mjs'), 1)
    const threads = await asThreads('shared.mjs')
    expectShared(threads, RANKS)
    expect(threads.stderr).toBe('')
  })

  it('count in a file under a lock, alone and on threads', async () => {
    expectLock(await alone('lock.mjs', temporaryDirectory()), 1)
    expectLock(await asThreads('lock.mjs', temporaryDirectory()), RANKS)
  })

  it('share tasks between groups, alone and on threads', async () => {
    const [one, other] = [join(temporaryDirectory(), 'out'), join(temporaryDirectory(), 'out')]
    expectBatch(await alone('batch.mjs', one), { ranks: 1, root: one, exitCode: 0 })
    expectBatch(await asThreads('batch.mjs', other), { ranks: RANKS, root: other, exitCode: 1 })
  })

  it('stand in docs/from-pshmem.md as they are', () => {
    const text = readFileSync(join(FROM_PSHMEM, '../../docs/from-pshmem.md'), 'utf8')
    const rows = [...text.matchAll(/^<!-- (\w+) -->\n\n((?:\|.*\n)+)/gm)]
    expect(rows.map(([, name]) => name)).toEqual(['shared', 'lock', 'batch'])
    for (const [, name = '', table = ''] of rows) {
      const sources = ['py', 'mjs'].map((kind) => readFileSync(join(FROM_PSHMEM, `${name}.${kind}`), 'utf8'))
      const cells = table
        .trimEnd()
        .split('\n')
        .slice(2)
        .map((row) => row.split(/(?<!\\)\|/).slice(1, 3))
      expect(cells.length).toBeGreaterThan(3)
      for (const [column, source] of sources.entries()) {
        for (const cell of cells) {
          for (const [, code = ''] of (cell[column] ?? '').matchAll(/`([^`]+)`/g)) {
            expect(source, `${name}, column ${column + 1}`).toContain(code.replaceAll('\\|', '|'))
          }
        }
      }
    }
  })
})
