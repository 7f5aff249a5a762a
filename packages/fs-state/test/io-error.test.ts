import { describe, expect, it } from 'vitest'
import { codeOf, isUnclear } from '../src/io-error.ts'

describe('the code of an error', () => {
  it('is ESTALE where Node gives no name but a number', () => {
    const error = Object.assign(new Error('stale'), { code: 'Unknown system error -116', errno: -116 })
    expect(codeOf(error)).toBe('ESTALE')
    expect(isUnclear(error)).toBe(true)
  })

  it('is empty for what is no error of the system', () => {
    expect([undefined, null, 'text', new Error('ours')].map(codeOf)).toEqual(['', '', '', ''])
  })
})
