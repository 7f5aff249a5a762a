import { constants } from 'node:buffer'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { SharedMemoryError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { openFileMapping } from '../src/file-mapping.ts'
import { MpiMemory } from '../src/mpi-memory.ts'
import { addonPath, loadNative } from '../src/native.ts'

// Without a compiler there is no addon.
describe.skipIf(!existsSync(addonPath))('memory between processes', () => {
  it('is zero at first, and the same wherever it is mapped', () => {
    const native = loadNative()
    const { buffer, path } = native.allocate(4096)
    const other = new Int32Array(native.map(path, 4096))
    expect(other.every((word) => word === 0)).toBe(true)
    Atomics.add(new Int32Array(buffer), 1023, 5)
    expect(other[1023]).toBe(5)
    native.unmap(buffer)
    expect(buffer.byteLength).toBe(0)
    expect(other[1023]).toBe(5)
  })

  it('is not mapped where the path leads to something else', () => {
    const native = loadNative()
    const { path } = native.allocate(4096)
    const [, number] = path.split('#')
    const other = native.allocate(4096)
    expect(other.path).not.toContain(`#${number}`)
    expect(() => native.map(other.path.replace(/#.*/, `#${number}`), 4096)).toThrow(/open of/)
    expect(() => native.map(path.replace(/#.*/, ''), 4096)).toThrow(/open of/)
  })

  it('is seen at a second address, also when its file is closed, until each is unmapped', () => {
    const native = loadNative()
    const { buffer, path } = native.allocate(10_000)
    const readable = native.mapReadOnly(buffer, 'nobody writes here')
    native.closeFile(buffer)
    expect(() => native.map(path, 10_000)).toThrow(/open of/)
    new Uint8Array(buffer).fill(7)
    expect(new Uint8Array(readable).every((byte) => byte === 7)).toBe(true)
    native.unmap(buffer)
    expect(new Uint8Array(readable)[9999]).toBe(7)
    native.unmap(readable)
    expect(readable.byteLength).toBe(0)
    expect(() => native.closeFile(buffer)).toThrow('The memory was unmapped before')
  })

  it('may be 4 GiB, and is refused where it is more than a buffer of this Node can be', () => {
    const native = loadNative()
    // No page of it is taken before it is written.
    const { buffer } = native.allocate(2 ** 32)
    const numbers = new Float64Array(native.mapReadOnly(buffer, 'nobody writes here'))
    new Float64Array(buffer)[2 ** 29 - 1] = 1.5
    expect(numbers.length).toBe(2 ** 29)
    expect(numbers[2 ** 29 - 1]).toBe(1.5)
    native.unmap(numbers.buffer as ArrayBuffer)
    native.unmap(buffer)
    const memory = new MpiMemory(native, { holdAlive: () => undefined, rank: () => 0 })
    expect(() => memory.allocateBytes(constants.MAX_LENGTH + 1)).toThrow(SharedMemoryError)
    expect(() => memory.allocate(constants.MAX_LENGTH)).toThrow(SharedMemoryError)
    expect(() => openFileMapping().map(0, constants.MAX_LENGTH + 1)).toThrow(SharedMemoryError)
  })

  it('ends a process that writes where it may only read, with the sentence of that memory', () => {
    const { signal, stderr } = runWithAddon(`
      const views = []
      for (let index = 0; index < 200; index += 1) {
        const { buffer } = native.allocate(8)
        views.push(new Uint8Array(native.mapReadOnly(buffer, 'a write to number ' + index)))
      }
      for (const view of views.slice(100, 150)) native.unmap(view.buffer)
      views[177][3] = 1`)
    expect(signal).toBe('SIGSEGV')
    expect(stderr).toBe('a write to number 177\n')
  })

  it('says nothing where another fault ends the process', () => {
    const { signal, stderr } = runWithAddon(`
      native.mapReadOnly(native.allocate(8).buffer, 'a write')
      process.kill(process.pid, 'SIGSEGV')
      setTimeout(() => {}, 60_000)`)
    expect(signal).toBe('SIGSEGV')
    expect(stderr).toBe('')
  })
})

/** Runs a script in a process of its own, with the addon as `native`. */
function runWithAddon(script: string): SpawnSyncReturns<string> {
  const loaded = `const native = require(${JSON.stringify(addonPath)})\n${script}`
  return spawnSync(process.execPath, ['--eval', loaded], { encoding: 'utf8', timeout: 15_000 })
}
