import { describe, expect, it } from 'vitest'
import { shareSlots } from '../../src/mpi/share-slots.ts'

function shares(groupCount: number, slotsPerGroup: number, atOnceMax?: number): string[] {
  return Array.from({ length: groupCount }, (_, groupIndex) => {
    const { first, count } = shareSlots({ groupIndex, groupCount, slotsPerGroup, atOnceMax })
    return `${first}+${count}`
  })
}

describe('the slots of groups', () => {
  it('are as many as were asked for, numbered through', () => {
    expect(shares(3, 2)).toEqual(['0+2', '2+2', '4+2'])
    expect(shares(3, 2, 10)).toEqual(['0+2', '2+2', '4+2'])
  })

  it('are no more in all than the list of tasks allows at once', () => {
    expect(shares(3, 2, 4)).toEqual(['0+2', '2+1', '3+1'])
    expect(shares(4, 1, 2)).toEqual(['0+1', '1+1', '2+0', '2+0'])
    expect(shares(1, 8, 3)).toEqual(['0+3'])
  })
})
