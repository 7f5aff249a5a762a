import { STORED_STATES } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseState, printState } from '../src/state-file.ts'
import { PROPERTY } from './property-options.ts'

const read = (text: string): unknown => parseState(Buffer.from(text, 'latin1'))

describe('the text of a state file', () => {
  it.each(STORED_STATES)('%s is written as the word and one newline, as pshmem writes it', (state) => {
    expect(printState(state)).toBe(`${state}\n`)
    expect(read(printState(state))).toEqual({ kind: 'word', state })
  })

  it.each([
    ['DONE', 'DONE'],
    ['DONE\r\n', 'DONE'],
    ['DONE\rFAILED', 'DONE'],
    ['FAILED  \t\x0b\x0c\n', 'FAILED'],
    ['OPEN\nRUNNING\n', 'OPEN'],
    ['RUNNING\x1c\x1f\x85\xa0\n', 'RUNNING'],
  ])('%j is read as %s, as pshmem reads it', (text, state) => {
    expect(parseState(Buffer.from(text, 'utf8'))).toEqual({ kind: 'word', state })
  })

  it.each(['', '\0', '\0\0\0\0', 'O', 'RUNN', 'DON'])('%j is empty: what a power cut leaves', (text) => {
    expect(read(text)).toEqual({ kind: 'empty' })
  })

  it.each([
    ' DONE\n',
    'done\n',
    'DONE\0',
    '\nDONE\n',
    'INVALID\n',
    'DONEDONE\n',
    '\ufeffDONE\n',
    'x'.repeat(64),
  ])('%j is no state', (text) => {
    expect(parseState(Buffer.from(text, 'utf8')).kind).toBe('invalid')
  })

  it('never throws, and takes nothing but the four words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const reading = parseState(bytes)
        if (reading.kind !== 'word') return
        expect(Buffer.from(bytes).toString('latin1').startsWith(reading.state)).toBe(true)
      }),
      PROPERTY,
    )
  })
})
