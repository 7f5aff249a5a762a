import { ConfigError } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DURATION_MS_MAX, formatDuration, parseDuration } from '../../src/input/duration.ts'

const SEED = 20_261_121

describe('a duration', () => {
  it.each([
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['2d', 172_800_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['90', 90_000],
    ['0.25', 250],
    ['0', 0],
    ['1d2h3m4s5ms', 93_784_005],
    ['01:30:00', 5_400_000],
    ['90:00', 5_400_000],
    ['2:05', 125_000],
    [' 3s ', 3000],
  ])('%j is %d ms', (text, durationMs) => {
    expect(parseDuration(text, '--timeout')).toBe(durationMs)
  })

  it.each([
    '',
    ' ',
    '-1',
    '-5s',
    'NaN',
    'Infinity',
    'soon',
    '5x',
    's',
    '1h1h',
    '30m1h',
    '1:60',
    '1:2',
    '1:60:00',
    '1e3',
    '.5h',
    '1,5h',
    '0x10',
  ])('is not what %j says', (text) => {
    expect(() => parseDuration(text, '--timeout')).toThrow(/--timeout was given .* no duration\. Write it as/)
  })

  it('is refused where no timer could hold it', () => {
    expect(parseDuration('24d', '--timeout')).toBeLessThan(DURATION_MS_MAX)
    for (const text of ['25d', '999999999999999999999s', '1000:00:00']) {
      expect(() => parseDuration(text, '--retry-delay')).toThrow(/--retry-delay .* longer than 24 days/)
    }
  })

  it(`is read back from its units (seed ${SEED})`, () => {
    const part = { d: fc.nat(20), h: fc.nat(23), m: fc.nat(59), s: fc.nat(59), ms: fc.nat(999) }
    fc.assert(
      fc.property(fc.record(part), fc.constantFrom('', ' '), ({ d, h, m, s, ms }, blank) => {
        const text = [`${d}d`, `${h}h`, `${m}m`, `${s}s`, `${ms}ms`].join(blank)
        expect(parseDuration(text, 'it')).toBe((((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms)
      }),
      { seed: SEED },
    )
  })

  it(`is read, or refused with a sentence, whatever the text (seed ${SEED})`, () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.:dhms -') }))
    fc.assert(
      fc.property(text, (given) => {
        try {
          const durationMs = parseDuration(given, 'it')
          expect(Number.isInteger(durationMs) && durationMs >= 0 && durationMs <= DURATION_MS_MAX).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [999.6, '1.0 s'],
    [12_340, '12.3 s'],
    [59_960, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [3_780_000, '1 h 03 min'],
    [86_399_000, '1 d 00 h'],
    [200_000_000, '2 d 08 h'],
  ])('of %d ms is shown as %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text)
  })
})
