import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ATTEMPT_COLUMNS, attemptRecord, csvAttempt, csvHeader } from '../../src/output/attempt-record.ts'

it('a table of attempts is CSV that a reader takes apart into what was put in', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ä') })
  fc.assert(
    fc.property(text, text, (message, value) => {
      const row = { task: 'a', instance: 'i', slot: 1, outcome: 'ended' as const, message }
      const record = attemptRecord(row, { index: 3, values: { x: value } })
      const lines = `${csvHeader(['x'])}\n${csvAttempt(record, ['x'])}\n`
      const [parsed] = parse(lines, { columns: true, record_delimiter: '\n' }) as Record<string, string>[]
      expect(parsed).toMatchObject({ name: 'a', index: '3', message, 'values.x': value, exit: '' })
      expect(Object.keys(parsed ?? {})).toHaveLength(ATTEMPT_COLUMNS.length + 1)
    }),
  )
})
