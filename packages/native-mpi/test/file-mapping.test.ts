import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFileMapping } from '../src/file-mapping.ts'
import { addonPath } from '../src/native.ts'

const SIZE_BYTES = 1 << 20
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mpibatch-mapping-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function writeBytes(): string {
  const path = join(directory, 'bytes')
  writeFileSync(
    path,
    Uint8Array.from({ length: SIZE_BYTES }, (_, index) => index % 251),
  )
  return path
}

function mapPath(path: string, sizeBytes = SIZE_BYTES): ArrayBuffer {
  const descriptor = openSync(path, 'r')
  try {
    return openFileMapping().map(descriptor, sizeBytes)
  } finally {
    closeSync(descriptor)
  }
}

/** Places in this process' memory where a file is mapped. */
function mappingsOf(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8').split(path).length - 1
}

// Without a compiler there is no addon.
describe.skipIf(!existsSync(addonPath))('a mapped file', () => {
  it('is what stands in it, also when its name is gone, until it is unmapped', () => {
    const path = writeBytes()
    const buffer = mapPath(path)
    expect(mappingsOf(path)).toBe(1)
    rmSync(path)
    const bytes = new Uint8Array(buffer)
    expect(bytes).toHaveLength(SIZE_BYTES)
    expect(bytes.every((byte, index) => byte === index % 251)).toBe(true)
    openFileMapping().unmap(buffer)
    expect(bytes).toHaveLength(0)
    expect(mappingsOf(path)).toBe(0)
  })

  it('is unmapped once, whatever comes to lie at its address', () => {
    const path = writeBytes()
    const mapping = openFileMapping()
    const first = mapPath(path)
    mapping.unmap(first)
    const second = mapPath(path)
    mapping.unmap(first)
    expect(mappingsOf(path)).toBe(1)
    expect(new Uint8Array(second)[250]).toBe(250)
    mapping.unmap(second)
    mapping.unmap(new ArrayBuffer(8))
    expect(mappingsOf(path)).toBe(0)
  })

  it('says why it can not be mapped', () => {
    const descriptor = openSync('/proc/self/status', 'r')
    try {
      expect(() => openFileMapping().map(descriptor, 16)).toThrow(/mmap: /)
    } finally {
      closeSync(descriptor)
    }
  })

  it('is unmapped with the thread that has mapped it, beside the mappings of others', async () => {
    const path = writeBytes()
    const buffer = mapPath(path)
    const script = `
      const { openSync } = require('node:fs')
      const { parentPort, workerData } = require('node:worker_threads')
      const native = require(workerData.addonPath)
      const buffers = Array.from({ length: 50 }, () => native.mapFile(openSync(workerData.path), ${SIZE_BYTES}))
      for (const one of buffers.slice(0, 25)) native.unmapFile(one)
      globalThis.kept = buffers.slice(25)
      parentPort.postMessage(kept.reduce((sum, one) => sum + new Uint8Array(one)[250], 0))
    `
    const workers = Array.from(
      { length: 4 },
      () => new Worker(script, { eval: true, workerData: { addonPath, path } }),
    )
    const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
    const sums = await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    )
    expect(sums).toEqual([6250, 6250, 6250, 6250])
    await Promise.all(ended)
    expect(mappingsOf(path)).toBe(1)
    openFileMapping().unmap(buffer)
  })
})
