import { constants } from 'node:buffer'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TYPE_NAMES } from '@mpibatch/batch-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BufferElementType, BufferReference } from '../../src/index.ts'
import { openSharedBuffersWith } from '../../src/index.ts'
import { elementClass } from '../../src/shared-buffers/element-types.ts'
import { bufferOpener, filesBelow, freshDirectory, readingMapping } from './buffers-harness.ts'

describe('shared buffers', () => {
  it.each(TYPE_NAMES as BufferElementType[])('pass on a %s', async (type) => {
    const open = bufferOpener()
    const [one, other] = [await open(), await open()]
    const isBig = type.startsWith('Big')
    const Elements = elementClass(type)
    if (Elements === undefined) throw new Error(`${type} is no typed array`)
    const values = new Elements(new ArrayBuffer(12 * Elements.BYTES_PER_ELEMENT))
    for (let index = 0; index < 12; index += 1) values[index] = isBig ? BigInt(index) : index
    const reference = await one.put(values, { shape: [3, 4] })
    const view = await other.map(JSON.parse(JSON.stringify(reference)) as BufferReference)
    expect(view.values).toEqual(values)
    expect(view.shape).toEqual([3, 4])
    view.close()
    expect(view.values).toHaveLength(0)
    view.close()
  })

  it('know the type of what they pass on', async () => {
    const buffers = await bufferOpener()()
    const reference: BufferReference<'Float64Array'> = await buffers.put(Float64Array.from([1.5]))
    const values: Float64Array = (await buffers.map(reference)).values
    expect(values[0]).toBe(1.5)
  })

  it('take parts of arrays, buffers of Node, shared memory, and nothing', async () => {
    const buffers = await bufferOpener()()
    const shared = new Uint16Array(new SharedArrayBuffer(8))
    shared.set([1, 2, 3, 4])
    for (const values of [
      Float32Array.from([1, 2, 3, 4]).subarray(1, 3),
      Buffer.from('text'),
      shared,
      new Float64Array(0),
    ]) {
      const view = await buffers.map(await buffers.put(values))
      expect([...view.values]).toEqual([...values])
    }
    const empty = await buffers.map(await buffers.put(new Int8Array(0), { shape: [4, 0] }))
    expect(empty.shape).toEqual([4, 0])
  })

  it('refuse what is no typed array, and shapes that do not fit', async () => {
    const buffers = await bufferOpener()()
    const put = (values: unknown, shape?: unknown): Promise<unknown> =>
      buffers.put(values as Uint8Array, shape === undefined ? {} : { shape: shape as number[] })
    for (const values of [[1, 2], 'text', new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), undefined])
      await expect(put(values)).rejects.toThrow('Only typed arrays')
    for (const shape of [[2, 2], [-1, -6], [1.5, 4], [], '6'])
      await expect(put(new Uint8Array(6), shape)).rejects.toThrow('does not have 6 elements')
    expect(buffers.memoryBytes).toBe(0)
  })

  // Memory that nobody has written to costs nothing; where Node can map more, it would be.
  it.skipIf(constants.MAX_LENGTH > 2 ** 32)('refuse what is too large to be mapped', async () => {
    const buffers = await bufferOpener()()
    await expect(buffers.put(new Float64Array(2 ** 29 + 1))).rejects.toThrow(
      /4294967304 bytes are more than Node .* can map at once: 4294967296\. Put them as several buffers/,
    )
  })

  it('keep a buffer until the last holder lets it go, whoever the reference names', async () => {
    const directory = freshDirectory(tmpdir())
    const open = bufferOpener(directory)
    const [first, second, third] = [await open(), await open(), await open()]
    const reference = await first.put(Uint8Array.from([1, 2, 3]))
    await second.hold(reference)
    await first.close()
    const view = await third.map(reference)
    expect([...view.values]).toEqual([1, 2, 3])
    expect(filesBelow(directory)).toEqual([reference.id, reference.id])
    await second.release(reference)
    await second.release(reference)
    await third.release(reference)
    expect(filesBelow(directory)).toEqual([])
    await expect(third.map(reference)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_BUFFER_GONE' })
    await expect(second.hold(reference)).rejects.toThrow(
      /Nobody on this machine holds .* hold it until the other has it/,
    )
  })

  it('share one file, which only its user can read, and nobody write', async () => {
    const directory = freshDirectory(tmpdir())
    const open = bufferOpener(directory)
    const [one, other] = [await open(), await open()]
    const reference = await one.put(new Float64Array(100))
    await other.hold(reference)
    const [root = ''] = readdirSync(directory)
    const paths = readdirSync(join(directory, root)).map((name) => join(directory, root, name, reference.id))
    const [file, linked] = paths.map((path) => statSync(path))
    expect(file?.ino).toBe(linked?.ino)
    expect(file).toMatchObject({ nlink: 2, size: 800, mode: 0o100400 })
    expect(statSync(join(directory, root)).mode & 0o777).toBe(0o700)
    expect([one.memoryBytes, other.memoryBytes]).toEqual([800, 800])
  })

  it('refuse a reference of another machine, and say which', async () => {
    const buffers = await bufferOpener()()
    const reference = await buffers.put(new Uint8Array(3))
    const [, ...rest] = reference.holder.split('.')
    const holder = ['00000000-0000-0000-0000-000000000000', ...rest].join('.')
    await expect(buffers.map({ ...reference, holder, machine: 'node7' })).rejects.toThrow(
      /lies on another machine, node7: .* Send the values themselves/,
    )
  })

  it('hold nothing whose file has another size than the reference says, or is no file', async () => {
    const directory = freshDirectory(tmpdir())
    const open = bufferOpener(directory)
    const [one, other] = [await open(), await open()]
    const reference = await one.put(new Uint8Array(8))
    const forged = { ...reference, length: 9, sizeBytes: 9, shape: [9] }
    await expect(other.map(forged)).rejects.toThrow(/should have 9 bytes, but has 8/)
    expect(other.memoryBytes).toBe(0)
    expect(filesBelow(directory)).toEqual([reference.id])
    const [root = ''] = readdirSync(directory)
    const own = join(directory, root, reference.holder)
    const id = 'f'.repeat(32)
    symlinkSync('/etc/hostname', join(own, id))
    await expect(other.map({ ...reference, id })).rejects.toThrow(/Could not open .*: ELOOP/)
    // Its own file, shortened behind its back: what is mapped would end the process when it is read.
    chmodSync(join(own, reference.id), 0o600)
    truncateSync(join(own, reference.id), 4)
    await expect(one.map(reference)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_STATE_CORRUPT' })
  })

  it('leave nothing when they are closed, do nothing any more, and close once', async () => {
    const directory = freshDirectory(tmpdir())
    const open = bufferOpener(directory)
    const [one, other] = [await open(), await open()]
    const reference = await one.put(new Uint8Array(8))
    const waiting = one.put(new Uint8Array(9))
    const closing = one.close()
    await waiting
    await Promise.all([closing, one.close()])
    expect(readdirSync(directory)).toHaveLength(1)
    await expect(one.map(reference)).rejects.toMatchObject({ code: 'ERR_MPIBATCH_CLOSED' })
    await other.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('are opened and closed by many at once', async () => {
    const directory = freshDirectory(tmpdir())
    const open = bufferOpener(directory)
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          const buffers = await open()
          await buffers.put(new Uint8Array(8))
          await buffers.close()
        }),
      )
      expect(readdirSync(directory)).toEqual([])
    }
  })
})

describe('a directory for shared buffers', () => {
  const open = (directory: string): Promise<unknown> => openSharedBuffersWith(readingMapping, { directory })
  const userDirectory = `mpibatch-buffers-${process.geteuid?.()}`

  it('has to be there', async () => {
    await expect(open('/no/such/directory')).rejects.toThrow('There is no directory /no/such/directory')
  })

  it('must not let others replace what is in it', async () => {
    const directory = freshDirectory(tmpdir())
    chmodSync(directory, 0o777)
    await expect(open(directory)).rejects.toThrow(/Everybody may replace .* sticky bit/)
    chmodSync(directory, 0o1777)
    await (await bufferOpener(directory)()).close()
  })

  it.each<[string, (path: string) => void, RegExp]>([
    ['is open to others', (path) => mkdirSync(path, { mode: 0o755 }), /is open to others/],
    ['is a link', (path) => symlinkSync('/tmp', path), /is no directory/],
    ['is a file', (path) => writeFileSync(path, ''), /is no directory/],
  ])('must not have something of the user’s name in it that %s', async (_, make, message) => {
    const directory = freshDirectory(tmpdir())
    make(join(directory, userDirectory))
    await expect(open(directory)).rejects.toThrow(message)
  })

  it.skipIf(process.geteuid?.() === 0)('has to be writable', async () => {
    const directory = freshDirectory(tmpdir())
    chmodSync(directory, 0o555)
    onTestFinished(() => chmodSync(directory, 0o755))
    await expect(open(directory)).rejects.toThrow(/can't hold shared buffers: EACCES/)
  })

  it('has to map files, and says so where it does not', async () => {
    const directory = freshDirectory(tmpdir())
    const mapping = {
      ...readingMapping,
      map: () => {
        throw new Error('mmap: No such device')
      },
    }
    await expect(openSharedBuffersWith(mapping, { directory })).rejects.toThrow(
      /can't map files into memory: mmap: No such device. Give another directory/,
    )
    expect(readdirSync(directory)).toEqual([])
  })
})
