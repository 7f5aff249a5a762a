import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SharedFileError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { readFreshFile, writeWholeFile } from '../src/shared-files/published-file.ts'

describe('a file that is written whole', () => {
  it('is read as it was written, text and bytes', async () => {
    const path = join(temporaryDirectory(), 'file')
    await writeWholeFile(path, 'Grüße')
    expect((await readFreshFile(path))?.toString()).toBe('Grüße')
    await writeWholeFile(path, new Uint8Array([0, 255, 7]))
    expect(await readFreshFile(path)).toEqual(Buffer.from([0, 255, 7]))
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })

  it('is one of the written ones at every instant, whole, whoever writes at the same time', async () => {
    const path = join(temporaryDirectory(), 'file')
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(200_000))
    await writeWholeFile(path, texts[0] ?? '')
    const writing = Promise.all(texts.map((text) => writeWholeFile(path, text)))
    let isOver = false
    const over = writing.then(() => {
      isOver = true
    })
    while (!isOver) expect(texts).toContain((await readFreshFile(path))?.toString())
    await over
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })

  it('replaces a symbolic link, not what it leads to', async () => {
    const place = temporaryDirectory()
    writeFileSync(join(place, 'target'), 'as it was')
    symlinkSync('target', join(place, 'link'))
    await writeWholeFile(join(place, 'link'), 'new')
    expect(readFileSync(join(place, 'target'), 'utf8')).toBe('as it was')
  })

  it('says what is wrong, and leaves nothing behind', async () => {
    const place = temporaryDirectory()
    await expect(writeWholeFile(join(place, 'no/file'), '')).rejects.toThrow(
      /Could not write .*no\/file: there is no/,
    )
    mkdirSync(join(place, 'directory/full'), { recursive: true })
    await expect(writeWholeFile(join(place, 'directory'), '')).rejects.toThrow(SharedFileError)
    expect(readdirSync(place)).toEqual(['directory'])
  })

  it('is undefined if it is not there, and an error if it can not be read', async () => {
    const place = temporaryDirectory()
    expect(await readFreshFile(join(place, 'absent'))).toBeUndefined()
    expect(await readFreshFile(join(place, 'no/such/place'))).toBeUndefined()
    await expect(readFreshFile(place)).rejects.toThrow(/Could not read/)
    if (process.getuid?.() === 0) return
    writeFileSync(join(place, 'secret'), '')
    chmodSync(join(place, 'secret'), 0)
    await expect(readFreshFile(join(place, 'secret'))).rejects.toThrow(/permission is denied/)
  })
})
