import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseArraySpec } from '../../src/input/array-spec.ts'
import { parseCount } from '../../src/input/count.ts'
import { parseJobs } from '../../src/input/jobs.ts'

const SEED = 20_261_121

describe('--jobs', () => {
  it.each([
    [undefined, 8],
    ['3', 3],
    ['50%', 4],
    ['100%', 8],
    ['1%', 1],
    ['200%', 16],
    ['12.5%', 1],
    ['4096', 4096],
  ])('%j is %d of 8 processors', (text, jobs) => {
    expect(parseJobs(text, 8)).toBe(jobs)
  })

  it.each(['0', '-1', '1.5', 'all', '', '%', '0%', '-5%', '4097', '99999999999', '1e3', '60000%'])(
    'refuses %j',
    (text) => {
      expect(() => parseJobs(text, 8)).toThrow(/--jobs was given .*from 1 to 4096.*8 processors/)
    },
  )
})

describe('a count', () => {
  const options = { what: '--retries', min: 0, max: 1000 }

  it('may have its digits parted', () => {
    expect(parseCount('1_000', options)).toBe(1000)
    expect(parseCount('007', options)).toBe(7)
  })

  it.each(['-1', '1001', '', 'x', '1.0', '_1', '1_', '1__0', '１'])('is not %j', (text) => {
    expect(() => parseCount(text, options)).toThrow(/--retries was given .* whole number from 0 to 1000/)
  })
})

describe('--array', () => {
  it.each([
    ['0-4', [0, 1, 2, 3, 4], undefined],
    ['0-9:3', [0, 3, 6, 9], undefined],
    ['1,5,7-9', [1, 5, 7, 8, 9], undefined],
    ['0-2%4', [0, 1, 2], 4],
    ['1_000-1_002', [1000, 1001, 1002], undefined],
    ['7', [7], undefined],
    ['3,1', [3, 1], undefined],
    ['5-5', [5], undefined],
  ])('%j gives its numbers in order', (text, values, atOnceMax) => {
    expect(parseArraySpec(text)).toEqual({ values, atOnceMax })
  })

  it.each([
    ['', /an empty part/],
    ['1,,2', /an empty part/],
    ['1,', /an empty part/],
    ['a-b', /"a-b" in it/],
    ['-5', /"-5" in it/],
    ['1-', /"1-" in it/],
    ['1.5', /"1.5" in it/],
    ['0-9:', /"0-9:" in it/],
    ['3:2', /"3:2" in it/],
    ['9-0', /runs backwards/],
    ['0-9:0', /step of 0/],
    ['0-9%', /behind its %/],
    ['0-9%0', /behind its %/],
    ['0-9%2%3', /behind its %/],
    ['0-10000000', /more than 10,000,000/],
    ['0-99999999999999', /more than 10,000,000/],
    ['0-99999999999999999999', /too large/],
  ])('refuses %j', (text, message) => {
    expect(() => parseArraySpec(text)).toThrow(message)
  })

  it(`is the numbers of its parts, one after the other (seed ${SEED})`, () => {
    const range = fc.record({ first: fc.nat(1000), span: fc.nat(50), step: fc.integer({ min: 1, max: 7 }) })
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), (ranges) => {
        const text = ranges.map(({ first, span, step }) => `${first}-${first + span}:${step}`).join(',')
        const expected = ranges.flatMap(({ first, span, step }) =>
          Array.from({ length: span + 1 }, (_, offset) => first + offset).filter(
            (_, offset) => offset % step === 0,
          ),
        )
        expect(parseArraySpec(text).values).toEqual(expected)
      }),
      { seed: SEED },
    )
  })
})
