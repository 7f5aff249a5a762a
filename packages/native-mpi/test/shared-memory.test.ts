import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
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
})
