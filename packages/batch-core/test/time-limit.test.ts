import { describe, expect, it } from 'vitest'
import { TimeLimit, usualLength } from '../src/time-limit.ts'

describe('a time limit', () => {
  it('lets tasks start until it is over, where nothing is known of their length', () => {
    const limit = new TimeLimit(1000)
    expect(limit.allows(999)).toBe(true)
    expect(limit.allows(1000)).toBe(false)
  })

  it('starts nothing that would not end in time, judged by nine of ten tasks so far', () => {
    const limit = new TimeLimit(1000)
    for (let task = 0; task < 9; task += 1) limit.note(100)
    limit.note(900)
    expect(limit.allows(50)).toBe(true)
    expect(limit.allows(899)).toBe(true)
    expect(limit.allows(900)).toBe(false)
    for (let task = 0; task < 300; task += 1) limit.note(10)
    expect(limit.allows(980)).toBe(true)
    expect(limit.allows(990)).toBe(false)
  })

  it('begins with what earlier runs took', () => {
    expect(new TimeLimit(1000, 400).allows(601)).toBe(false)
    expect(usualLength([Number.NaN, 3, 1, Number.NaN, 2])).toBe(3)
    expect(usualLength([])).toBeUndefined()
  })
})
