import { describe, expect, it } from 'vitest'
import { digestOf } from '../src/index.ts'

describe('the digest of long lists', () => {
  it('differs by every item, its type, its place, what is missing, and what stands beside the lists', () => {
    const long = Array.from({ length: 10_000 }, (_, index): unknown => index)
    const lists: [unknown, unknown[][]][] = [
      [1, [long]],
      [2, [long]],
      [1, [long, []]],
      [1, [[], long]],
      [1, [long.slice(0, 5000), long.slice(5000)]],
      [1, [long.with(9_999, '9999')]],
      [1, [long.with(4096, null)]],
      [1, [long.with(4096, undefined)]],
      [1, [long.toReversed()]],
    ]
    const digests = lists.map(([parts, columns]) => digestOf(parts, columns))
    expect(new Set(digests).size).toBe(lists.length)
    expect(digestOf(1, [[...long]])).toBe(digests[0])
  })
})
