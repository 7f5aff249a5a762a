import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PackedTexts } from '../src/index.ts'

const SEED = 20_261_122

describe('packed texts', () => {
  it(`come back as they were, whatever is in them (seed ${SEED})`, () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\ud800', 'é', '€', 'a') }),
    )
    fc.assert(
      fc.property(fc.array(text, { maxLength: 50 }), (texts) => {
        const packed = new PackedTexts()
        expect(texts.map((one) => packed.add(one))).toEqual([...texts.keys()])
        expect(texts.map((_, position) => packed.at(position))).toEqual(texts)
        const copy = PackedTexts.from(structuredClone(packed.data))
        expect(copy.add('more')).toBe(texts.length)
        expect([...texts, 'more'].map((_, position) => copy.at(position))).toEqual([...texts, 'more'])
        expect([packed.length, packed.at(-1), packed.at(texts.length)]).toEqual([texts.length, '', ''])
      }),
      { seed: SEED },
    )
  })

  it('grow', () => {
    const packed = new PackedTexts()
    for (let number = 0; number < 10_000; number += 1) packed.add(`text ${number}`)
    expect([packed.at(0), packed.at(4711), packed.at(9999)]).toEqual(['text 0', 'text 4711', 'text 9999'])
  })
})
