import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkSize } from '../src/task-pool.ts'

const SEED = 20_261_121

/** Works off tasks of given lengths, in order, by nodes of so many groups, each taking chunks; gives when all are done. */
function workOff(durations: readonly number[], nodes: readonly number[]): number {
  const groupCount = nodes.reduce((sum, groups) => sum + groups, 0)
  const waiting = nodes.map(() => [] as number[])
  const groups = nodes.flatMap((count, node) => Array.from({ length: count }, () => ({ node, freeAt: 0 })))
  let head = 0
  let endsAt = 0
  while (groups.length > 0) {
    groups.sort((one, other) => one.freeAt - other.freeAt)
    const [group] = groups
    const queue = waiting[group?.node ?? -1]
    if (group === undefined || queue === undefined) throw new Error('A group has no node')
    const remaining = durations.length - head
    if (queue.length === 0 && remaining > 0) {
      const size = chunkSize({ remaining, groupsHere: nodes[group.node] ?? 0, groupCount })
      queue.push(...durations.slice(head, head + size))
      head += size
    }
    const duration = queue.shift()
    if (duration === undefined) groups.shift()
    else {
      group.freeAt += duration
      endsAt = Math.max(endsAt, group.freeAt)
    }
  }
  return endsAt
}

const nodeSizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 5 })

describe('the size of a chunk', () => {
  it.each([
    [{ remaining: 1, groupsHere: 1, groupCount: 100 }, 1],
    [{ remaining: 1, groupsHere: 3, groupCount: 4 }, 1],
    [{ remaining: 100, groupsHere: 1, groupCount: 2 }, 25],
    [{ remaining: 100, groupsHere: 3, groupCount: 4 }, 37],
    [{ remaining: 1_000_000, groupsHere: 1, groupCount: 2 }, 256],
  ])('is for %o %i', (options, expected) => {
    expect(chunkSize(options)).toBe(expected)
  })

  it(`is at least one task and never more than are left (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(1000),
        (remaining, groupsHere, others) => {
          const size = chunkSize({ remaining, groupsHere, groupCount: groupsHere + others })
          expect(Number.isInteger(size) && size >= 1 && size <= remaining).toBe(true)
        },
      ),
      { seed: SEED },
    )
  })

  it(`lets the nodes end together, at most the longest task apart from what is possible (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 600 }),
        nodeSizes,
        (durations, nodes) => {
          const groupCount = nodes.reduce((sum, groups) => sum + groups, 0)
          const ideal = durations.reduce((sum, duration) => sum + duration, 0) / groupCount
          expect(workOff(durations, nodes)).toBeLessThanOrEqual(ideal + 2 * Math.max(...durations))
        },
      ),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('keeps the number of chunks small: a million tasks on 16 nodes of 64 groups take 5,000', () => {
    let remaining = 1_000_000
    let chunks = 0
    for (; remaining > 0; chunks += 1) remaining -= chunkSize({ remaining, groupsHere: 64, groupCount: 1024 })
    expect(chunks).toBeLessThan(5000)
  })
})
