/** What `examples/10-sorted-words` has to find, counted without it. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from './program.ts'

export const SORTED_WORDS: string = join(import.meta.dirname, '../../examples/10-sorted-words/words.mjs')
export const LICENCES = '/usr/share/common-licenses'

/** Compares what the program has left in a directory; `seenAt` is where this machine sees that. */
export function expectSortedWords(
  ended: Pick<Ended, 'exitCode' | 'stdout' | 'stderr'>,
  { directory, seenAt = directory }: { directory: string; seenAt?: string },
): void {
  expect(ended.exitCode, ended.stderr).toBe(0)
  const counts = new Map<string, number>()
  const paths = new Set(readdirSync(LICENCES).map((name) => realpathSync(join(LICENCES, name))))
  for (const path of paths) {
    for (const [word] of readFileSync(path, 'utf8')
      .toLowerCase()
      .matchAll(/[a-z]+/g))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const lines = [...counts].map(([word, count]) => `${word} ${count}`).sort()
  const words = lines.map((line) => line.split(' ')[0])
  expect(words).toEqual([...counts.keys()].sort())
  expect(readFileSync(join(seenAt, 'words.txt'), 'utf8')).toBe(`${lines.join('\n')}\n`)
  expect(ended.stdout).toBe(`${lines.length} words are in ${join(directory, 'words.txt')}.\n`)
}
