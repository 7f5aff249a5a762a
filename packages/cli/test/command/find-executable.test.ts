import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { findExecutable } from '../../src/command/find-executable.ts'

function directoryWith(
  files: Readonly<Record<string, { readonly text?: string; readonly mode?: number }>>,
): string {
  const directory = temporaryDirectory()
  for (const [name, { text = '#!/bin/sh\n', mode = 0o755 }] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), text)
    chmodSync(join(directory, name), mode)
  }
  return directory
}

describe('findExecutable', () => {
  it('takes the first program on the path, passing over what can not run', () => {
    const directory = directoryWith({ 'a/tool': { mode: 0o644 }, 'b/tool': {}, 'c/tool': {} })
    mkdirSync(join(directory, 'z/tool'), { recursive: true })
    const searchPath = ['z', 'a', 'b', 'c'].map((name) => join(directory, name)).join(':')
    expect(findExecutable('tool', { directory, searchPath })).toEqual({
      kind: 'found',
      path: join(directory, 'b/tool'),
      file: join(directory, 'b/tool'),
    })
  })

  it('names the file as execvp does, from the working directory', () => {
    const directory = directoryWith({ here: {}, 'sub/there': {} })
    const fileOf = (program: string, searchPath: string): unknown =>
      Reflect.get(findExecutable(program, { directory, searchPath }), 'file')
    expect(fileOf('./here', '')).toBe('./here')
    expect(fileOf('here', '')).toBe('./here')
    expect(fileOf('there', 'sub')).toBe('sub/there')
  })

  it('reads an empty or relative entry of the path from the working directory', () => {
    const directory = directoryWith({ here: {}, 'sub/there': {} })
    expect(findExecutable('here', { directory, searchPath: '/nowhere:' }).kind).toBe('found')
    expect(findExecutable('there', { directory, searchPath: 'sub' }).kind).toBe('found')
    expect(findExecutable('there', { directory, searchPath: '/nowhere' }).kind).toBe('not-found')
  })

  it('searches the system directories without a PATH', () => {
    expect(findExecutable('sh', { directory: '/', searchPath: undefined }).kind).toBe('found')
  })

  it('does not search the path for a name with a slash', () => {
    const directory = directoryWith({ 'sub/tool': {} })
    const place = { directory, searchPath: directory }
    expect(findExecutable('sub/tool', place).kind).toBe('found')
    expect(findExecutable('./tool', place).kind).toBe('not-found')
    expect(findExecutable(join(directory, 'sub/tool'), place).kind).toBe('found')
  })

  it('follows links as the kernel does when a path goes up again', () => {
    const directory = directoryWith({ 'real/tool': {}, 'real/sub/other': {} })
    symlinkSync(join(directory, 'real/sub'), join(directory, 'link'))
    expect(findExecutable('link/../tool', { directory, searchPath: '' }).kind).toBe('found')
  })

  it('tells a file without permission from a missing one', () => {
    const directory = directoryWith({ tool: { mode: 0o644 } })
    const place = { directory, searchPath: directory }
    expect(findExecutable('tool', place)).toMatchObject({
      kind: 'not-executable',
      message: expect.stringContaining('chmod +x'),
    })
    expect(findExecutable('tool/below', place).kind).toBe('not-found')
    expect(findExecutable('', place).kind).toBe('not-found')
  })

  it.each(['#!/no/such/interpreter\n', '#! /no/such/interpreter -x\n', '#!missing/relative'])(
    'names the missing interpreter of %j',
    (text) => {
      const directory = directoryWith({ tool: { text } })
      const search = findExecutable('./tool', { directory, searchPath: '' })
      expect(search).toMatchObject({
        kind: 'not-executable',
        message: expect.stringMatching(/interpreter ".*(such|missing)/),
      })
    },
  )

  it.each(['', 'echo plain', '#!', '\x7fELF'])('leaves a file that begins with %j to the kernel', (text) => {
    const directory = directoryWith({ tool: { text } })
    expect(findExecutable('./tool', { directory, searchPath: '' }).kind).toBe('found')
  })
})
