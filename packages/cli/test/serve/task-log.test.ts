import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { type LogRange, readLogPiece } from '../../src/serve/task-log.ts'

function logOf(text: string): string {
  const path = join(temporaryDirectory(), 'stdout')
  writeFileSync(path, text)
  return path
}

function textOf(path: string, range: LogRange, sizeMax?: number): string | undefined {
  return readLogPiece(path, range, sizeMax)?.bytes.toString('utf8')
}

describe('a piece of a log', () => {
  it('is the end of it at first, from the beginning of a line', () => {
    const path = logOf('one\ntwo\nthree\n')
    expect(textOf(path, { tail: true })).toBe('one\ntwo\nthree\n')
    expect(textOf(path, { tail: true }, 9)).toBe('three\n')
    expect(readLogPiece(path, { tail: true }, 9)).toMatchObject({ from: 8, size: 14 })
  })

  it('goes back to the beginning, piece by piece, without a gap', () => {
    const text = Array.from({ length: 500 }, (_, line) => `line ${line} of many\n`).join('')
    const path = logOf(text)
    let found = ''
    for (let before = text.length; before > 0; ) {
      const piece = readLogPiece(path, { before }, 1000)
      found = `${piece?.bytes.toString('utf8')}${found}`
      expect(piece?.from).toBeLessThan(before)
      before = piece?.from ?? 0
    }
    expect(found).toBe(text)
  })

  it('begins with a whole character where lines are long', () => {
    const path = logOf('ä'.repeat(20_000))
    const piece = readLogPiece(path, { tail: true }, 9001)
    expect(piece?.bytes.toString('utf8')).toBe('ä'.repeat(4500))
    expect(piece?.from).toBe(31_000)
  })

  it('goes on from where it was read to, and is empty while nothing more has come', () => {
    const path = logOf('one\n')
    expect(textOf(path, { from: 4 })).toBe('')
    appendFileSync(path, 'two\n')
    expect(textOf(path, { from: 4 })).toBe('two\n')
    expect(textOf(path, { from: 0 }, 2)).toBe('on')
    expect(readLogPiece(path, { from: 4e9 })).toMatchObject({ from: 8, size: 8 })
  })

  it('says that it is of another file when the next attempt has begun', () => {
    const path = logOf('one\n')
    const first = readLogPiece(path, { tail: true })?.file
    appendFileSync(path, 'more\n')
    expect(readLogPiece(path, { tail: true })?.file).toBe(first)
    rmSync(path)
    writeFileSync(path, 'two\n')
    expect(readLogPiece(path, { tail: true })?.file).not.toBe(first)
  })

  it('is none where there is no plain file', () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'secret'), 'secret')
    symlinkSync(join(directory, 'secret'), join(directory, 'link'))
    mkdirSync(join(directory, 'directory'))
    expect(spawnSync('mkfifo', [join(directory, 'pipe')]).status).toBe(0)
    for (const name of ['missing', 'link', 'directory', 'pipe', 'secret/below'])
      expect(readLogPiece(join(directory, name), { tail: true }), name).toBeUndefined()
  })
})
