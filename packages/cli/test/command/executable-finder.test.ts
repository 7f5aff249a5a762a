import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { ExecutableFinder } from '../../src/command/executable-finder.ts'

function makeTool(directory: string, text = '#!/bin/sh\n'): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'tool')
  writeFileSync(file, text, { mode: 0o755 })
  return file
}

describe('an executable that is looked for again', () => {
  it('is the one that was found before, or the next on the path when that is gone', () => {
    const directory = temporaryDirectory()
    const [one, other] = [makeTool(join(directory, 'a')), makeTool(join(directory, 'b'))]
    const place = { directory, searchPath: `${directory}/a:${directory}/b` }
    const finder = new ExecutableFinder()
    for (let time = 0; time < 3; time += 1)
      expect(finder.find('tool', place)).toMatchObject({ kind: 'found', file: one })
    rmSync(one)
    expect(finder.find('tool', place)).toMatchObject({ kind: 'found', file: other })
    rmSync(other)
    expect(finder.find('tool', place)).toMatchObject({ kind: 'not-found' })
  })

  it('is examined anew when it was changed', () => {
    const directory = temporaryDirectory()
    const file = makeTool(directory)
    const place = { directory, searchPath: directory }
    const finder = new ExecutableFinder()
    expect(finder.find('tool', place).kind).toBe('found')
    rmSync(file)
    makeTool(directory, '#!/no/such/interpreter\n')
    expect(finder.find('tool', place)).toMatchObject({ kind: 'not-executable', message: /interpreter/ })
    rmSync(file)
    makeTool(directory)
    expect(finder.find('tool', place).kind).toBe('found')
    chmodSync(file, 0)
    mkdirSync(join(directory, 'moved'))
    expect(finder.find('tool', { ...place, searchPath: `${directory}/moved` }).kind).toBe('not-found')
  })

  it('is another one for another program, path or directory', () => {
    const directory = temporaryDirectory()
    const [one, other] = [makeTool(join(directory, 'a')), makeTool(join(directory, 'b'))]
    const finder = new ExecutableFinder()
    const fileOf = (program: string, place: { directory: string; searchPath: string }): unknown =>
      Reflect.get(finder.find(program, place), 'path')
    expect(fileOf('tool', { directory, searchPath: join(directory, 'a') })).toBe(one)
    expect(fileOf('tool', { directory, searchPath: join(directory, 'b') })).toBe(other)
    expect(fileOf(one, { directory, searchPath: join(directory, 'b') })).toBe(one)
    for (const name of ['a', 'b']) {
      const place = { directory: join(directory, name), searchPath: '' }
      expect(fileOf('./tool', place)).toBe(`${place.directory}/./tool`)
    }
  })
})
