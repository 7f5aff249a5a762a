import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { catching, whenThere } from '../src/awaitable.ts'

const fail = (): never => {
  throw new Error('no')
}

describe('an answer', () => {
  it('that is there is used at once, and what its use throws is thrown', () => {
    expect(whenThere(2, (value) => value + 1)).toBe(3)
    expect(() => whenThere(2, fail)).toThrow('no')
  })

  it('that comes later is used then, and what its use throws rejects the promise', async () => {
    const later = whenThere(Promise.resolve(2), (value) => value + 1)
    expect(later).toBeInstanceOf(Promise)
    expect(await later).toBe(3)
    await expect(whenThere(Promise.resolve(2), fail)).rejects.toThrow('no')
  })
})

describe('a promise of another realm', () => {
  const foreign = (text: string): Promise<number> => runInNewContext(text) as Promise<number>

  it('is waited for as well', async () => {
    expect(foreign('Promise.resolve(2)')).not.toBeInstanceOf(Promise)
    expect(await whenThere(foreign('Promise.resolve(2)'), (value) => value + 1)).toBe(3)
    expect(
      await catching(
        () => foreign('Promise.reject(2)'),
        () => 4,
      ),
    ).toBe(4)
  })
})

describe('an error', () => {
  it('that is thrown is handled at once, and one that comes later then', async () => {
    const handle = (error: unknown): string => (error instanceof Error ? error.message : 'none')
    expect(catching(fail, handle)).toBe('no')
    expect(await catching(() => Promise.reject(new Error('later')), handle)).toBe('later')
    expect(catching(() => 'well', handle)).toBe('well')
  })

  it('that the handler throws is the one that counts', async () => {
    const rethrow = (): never => {
      throw new Error('worse')
    }
    expect(() => catching(fail, rethrow)).toThrow('worse')
    await expect(catching(() => Promise.reject(new Error('later')), rethrow)).rejects.toThrow('worse')
  })
})
