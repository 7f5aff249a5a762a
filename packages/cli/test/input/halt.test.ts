import { describe, expect, it } from 'vitest'
import { FAIL_FAST, haltDecision, parseHalt } from '../../src/input/halt.ts'

describe('--halt', () => {
  it.each([
    ['now,fail=1', { when: 'now', on: 'fail', threshold: 1, percent: false }],
    ['soon,fail=10%', { when: 'soon', on: 'fail', threshold: 10, percent: true }],
    ['soon,done=100', { when: 'soon', on: 'done', threshold: 100, percent: false }],
    ['now,success', { when: 'now', on: 'success', threshold: 1, percent: false }],
  ])('reads %s', (text, policy) => {
    expect(parseHalt(text)).toEqual(policy)
  })

  it('is nothing when it says never', () => {
    expect(parseHalt('never')).toBeUndefined()
  })

  it.each([
    '',
    'now',
    'fail=1',
    'later,fail=1',
    'now,fail=0',
    'now,fail=101%',
    'now,fail=-1',
    'now,fail=x',
    'now, fail=1',
    'now,fail=1%%',
  ])('refuses %j', (text) => {
    expect(() => parseHalt(text)).toThrow(/--halt was given .* write never, or soon or now/)
  })

  it('ends at the first failure for --fail-fast', () => {
    expect(haltDecision(FAIL_FAST, { done: 99, failed: 0, total: 100 })).toBe('none')
    expect(haltDecision(FAIL_FAST, { done: 0, failed: 1, total: 100 })).toBe('now')
  })

  it('counts failures, successes or both', () => {
    const counts = { done: 5, failed: 3, total: 100 }
    const decide = (text: string): string => haltDecision(parseHalt(text) ?? FAIL_FAST, counts)
    expect([decide('soon,fail=3'), decide('soon,fail=4')]).toEqual(['soon', 'none'])
    expect([decide('now,success=5'), decide('now,success=6')]).toEqual(['now', 'none'])
    expect([decide('soon,done=8'), decide('soon,done=9')]).toEqual(['soon', 'none'])
  })

  it('takes a percentage of all tasks, and of at least three', () => {
    const policy = parseHalt('soon,fail=10%') ?? FAIL_FAST
    expect(haltDecision(policy, { done: 0, failed: 9, total: 100 })).toBe('none')
    expect(haltDecision(policy, { done: 0, failed: 10, total: 100 })).toBe('soon')
    expect(haltDecision(policy, { done: 0, failed: 2, total: 10 })).toBe('none')
    expect(haltDecision(policy, { done: 0, failed: 3, total: 10 })).toBe('soon')
    expect(haltDecision(policy, { done: 0, failed: 2, total: 2 })).toBe('soon')
    expect(haltDecision(policy, { done: 0, failed: 0, total: 0 })).toBe('none')
  })
})
