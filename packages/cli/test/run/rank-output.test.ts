import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RankOutput } from '../../src/run/rank-output.ts'

it('what ranks print comes in whole lines, each rank its own in order, however the pieces come', () => {
  const piece = fc.record({
    rank: fc.nat(2),
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 6 }),
  })
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const written: { stream: string; text: string }[] = []
      const output = new RankOutput((stream, lines) => written.push({ stream, text: lines.toString() }))
      for (const { rank, stream, text } of pieces) {
        // Each rank's letters are its own, to be found again.
        output.take({
          rank,
          stream,
          bytes: Buffer.from(text.replaceAll('a', String(rank)).replaceAll('b', String(rank))),
        })
      }
      output.end()
      for (const { text } of written) expect(text.endsWith('\n')).toBe(true)
      for (const stream of ['stdout', 'stderr']) {
        const lines = written
          .filter((one) => one.stream === stream)
          .flatMap(({ text }) => text.slice(0, -1).split('\n'))
        for (const line of lines) expect(line).toMatch(/^(0*|1*|2*)$/)
        for (const rank of [0, 1, 2]) {
          const own = pieces
            .filter((one) => one.rank === rank && one.stream === stream)
            .map(({ text }) => text)
          const expected = own
            .join('')
            .replaceAll(/[ab]/g, String(rank))
            .split('\n')
            .filter((line) => line !== '')
          expect(lines.filter((line) => line.startsWith(String(rank)))).toEqual(expected)
        }
      }
    }),
  )
})
