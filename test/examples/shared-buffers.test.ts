import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, startNode } from '../support/program.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const SCRIPT = join(EXAMPLES, '08-shared-buffers/passages.mjs')
const LICENCES = '/usr/share/common-licenses'
const LINE = /^(\S+) +(\d+) words of (\S+) +"(.+) \.\.\."$/

const wordsOf = (name: string): readonly string[] =>
  readFileSync(join(LICENCES, name), 'utf8')
    .toLowerCase()
    .match(/[a-z0-9]+/g) ?? []

/** All runs of so many words. */
const runsOf = (words: readonly string[], count: number): readonly string[] =>
  words.slice(count - 1).map((_, index) => words.slice(index, index + count).join(' '))

/** Runs of so many words that two texts have. */
function sharedRuns(one: readonly string[], other: readonly string[], count: number): readonly string[] {
  const runs = new Set(runsOf(one, count))
  return runsOf(other, count).filter((run) => runs.has(run))
}

describe.skipIf(!existsSync(LICENCES))('the example of shared buffers', () => {
  it('finds the longest passages that licences share, alone and on threads', async () => {
    const alone = await startNode([SCRIPT], { cwd: EXAMPLES }).ended
    expect(alone.exitCode, alone.stderr).toBe(0)
    const threads = await runProgram(['run', '-j', '3', SCRIPT], { cwd: EXAMPLES })
    expect(threads.exitCode, threads.stderr).toBe(0)
    expect(threads.stdout).toBe(alone.stdout)

    const found = alone.stdout
      .trimEnd()
      .split('\n')
      .map((line) => LINE.exec(line) ?? [])
    const texts = new Map(found.map(([, name = '']) => [name, wordsOf(name)]))
    expect(texts.size).toBeGreaterThan(5)
    for (const [index, [, name = '', count = '', other = '', beginning = '']] of found.entries()) {
      const own = texts.get(name) ?? []
      const shared = sharedRuns(own, texts.get(other) ?? [], Number(count))
      expect(
        shared.map((run) => run.split(' ', 6).join(' ')),
        name,
      ).toContain(beginning)
      // None has more in common with it; to look at a few is enough, and takes less long.
      if (index > 3) continue
      for (const [one, words] of texts) {
        const longer = one === name ? [] : sharedRuns(own, words, Number(count) + 1)
        expect(longer, `${name} and ${one}`).toEqual([])
      }
    }
  })
})
