import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineTag } from '../../src/output/line-tag.ts'

it('a tag stands once before each line, however the bytes come in pieces', () => {
  const bytes = fc
    .uint8Array({ maxLength: 40 })
    .map((array) => Buffer.from(array.map((byte) => (byte < 80 ? 10 : byte))))
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(40)), (text, cuts) => {
      const tag = new LineTag('t\t')
      const places = [
        0,
        ...cuts.map((cut) => Math.min(cut, text.length)).sort((one, other) => one - other),
        text.length,
      ]
      const pieces = places.slice(1).map((end, index) => tag.put(text.subarray(places[index], end)))
      const lines = text.toString('latin1').split('\n')
      if (lines.at(-1) === '') lines.pop()
      const expected = lines.map((line) => `t\t${line}\n`).join('')
      expect(Buffer.concat([...pieces, tag.end()]).toString('latin1')).toBe(expected)
    }),
  )
})
