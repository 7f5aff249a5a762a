import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENT_KINDS, EVENT_SIZE_MAX, parseEvent, printEvent } from '../src/event.ts'
import { parseJournalLine, printJournalLine } from '../src/journal.ts'
import { PROPERTY } from './property-options.ts'

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })

const event = fc.record({
  kind: fc.constantFrom(...EVENT_KINDS),
  instance: hex(16),
  proc: fc.integer({ min: 0, max: 999_999_999 }),
  nonce: hex(8),
})

describe('the text of an event', () => {
  it('comes back from both media: a file ends with a newline, a link does not', () => {
    fc.assert(
      fc.property(event, (content) => {
        const text = printEvent(content)
        expect(text.length).toBeLessThan(EVENT_SIZE_MAX)
        expect(parseEvent(text)).toEqual(content)
        expect(parseEvent(`${text}\n`)).toEqual(content)
      }),
      PROPERTY,
    )
  })

  it('is unreadable when anything is torn off or changed in form', () => {
    fc.assert(
      fc.property(event, fc.nat(), (content, cut) => {
        const text = printEvent(content)
        expect(parseEvent(text.slice(0, cut % text.length))).toBeUndefined()
      }),
      PROPERTY,
    )
  })

  it.each([
    '',
    '\0'.repeat(40),
    '2 CLAIM 0123456789abcdef 0 01234567',
    '1 CLAIM 0123456789ABCDEF 0 01234567',
    '1 CLAIM 0123456789abcdef 00 01234567',
    '1 CLAIM 0123456789abcdef -1 01234567',
    '1 STOP 0123456789abcdef 0 01234567',
    '1 CLAIM 0123456789abcdef 0 01234567\n\n',
    ' 1 CLAIM 0123456789abcdef 0 01234567',
  ])('%j is no event', (text) => {
    expect(parseEvent(text)).toBeUndefined()
  })
})

describe('a line of the journal', () => {
  const kind = fc.constantFrom('D' as const, 'R' as const)
  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/[\n\r\u2028\u2029]/u.test(text))

  it('comes back whatever the task is called, and never torn', () => {
    fc.assert(
      fc.property(kind, name, fc.integer({ min: 0, max: 999_999_999 }), fc.nat(), (kind, task, slot, cut) => {
        const text = printJournalLine({ kind, slot, task })
        expect(parseJournalLine(text)).toEqual({ kind, slot, task })
        expect(parseJournalLine(text.slice(0, cut % text.length))).toBeUndefined()
      }),
      PROPERTY,
    )
  })
})
