import { describe, expect, it } from 'vitest'
import { readSupervisorLine, supervisorLine } from '../../src/launch/supervisor-line.ts'

const token = 'mpibatch-0123'

describe('a line for the supervisor', () => {
  it.each([
    { kind: 'started' },
    { kind: 'ended', exitCode: 143 },
    { kind: 'lost', hosts: ['node1', 'node2.cluster'] },
  ] as const)('of %o is read as it was written', (word) => {
    expect(readSupervisorLine(token, supervisorLine(token, word))).toEqual({ word, shown: '' })
  })

  it.each(['[1,0]<stderr>:', '[0] ', '0: ', '[1,0]:'])('is found behind the tag %j of a launcher', (tag) => {
    const line = `${tag}${supervisorLine(token, { kind: 'ended', exitCode: 0 })}\r`
    expect(readSupervisorLine(token, line)).toEqual({ word: { kind: 'ended', exitCode: 0 }, shown: '' })
  })

  it('leaves the text of another rank that has no newline', () => {
    expect(readSupervisorLine(token, `half a line${token} 1`)).toEqual({
      word: { kind: 'ended', exitCode: 1 },
      shown: 'half a line',
    })
  })

  it.each(['', 'mpibatch: 1 of 2', `${token}`, `${token} x`, `${token} lost`])('is not %j', (line) => {
    expect(readSupervisorLine(token, line)).toEqual({ word: undefined, shown: line })
  })
})
