import { ConfigError } from '@mpibatch/batch-core'
import { createLoopback } from '@mpibatch/batch-core/testing'
import { describe, expect, it } from 'vitest'
import { TaskList } from '../../src/input/task-list.ts'
import { messagesBetween } from '../../src/mpi/group-messages.ts'
import { shareList } from '../../src/mpi/share-list.ts'
import type { MemberWord } from '../../src/run/group-members.ts'

describe('a list that ranks share', () => {
  it('is read by rank 0 alone, and equal on all', async () => {
    let reads = 0
    const read = (): TaskList => {
      reads += 1
      const cells = new Map([
        ['1', ['a', 'b']],
        ['2', [1, undefined]],
      ])
      return new TaskList(cells, { atOnceMax: 3, names: ['x', 'y'] })
    }
    const lists = await Promise.all(createLoopback(3).map((rank) => shareList(rank, read)))
    expect(reads).toBe(1)
    for (const list of lists) {
      expect(list).toMatchObject({ columns: ['1', '2'], taskCount: 2, atOnceMax: 3, names: ['x', 'y'] })
      expect([list.valuesOf(0), list.valuesOf(1)]).toEqual([{ 1: 'a', 2: 1 }, { 1: 'b' }])
    }
  })

  it('that can not be read is the same error on all', async () => {
    const read = (): TaskList => {
      throw new ConfigError('The list is empty.')
    }
    const ends = await Promise.allSettled(createLoopback(3).map((rank) => shareList(rank, read)))
    for (const end of ends) {
      expect(end.status === 'rejected' && end.reason).toBeInstanceOf(ConfigError)
      expect(String(end.status === 'rejected' && end.reason)).toContain('The list is empty.')
    }
  })
})

describe('members of a group in processes of their own', () => {
  it('hear how the others ended, and of trouble before their own end', async () => {
    const troubles: number[] = []
    const ends = createLoopback(3).map((rank) => {
      let end: (word: MemberWord) => void = () => undefined
      const own = new Promise<MemberWord>((resolve) => {
        end = resolve
      })
      if (rank.rank === 1) end('failed')
      return messagesBetween(rank).exchange(own, () => {
        troubles.push(rank.rank)
        end('followed')
      })
    })
    const words = await Promise.all(ends)
    expect(words[1]).toEqual(['followed', 'followed'])
    expect(words[0]).toContain('failed')
    expect(new Set(troubles)).toEqual(new Set([0, 1, 2]))
  })
})
