import { describe, expect, it } from 'vitest'
import { expectMersennePrimes, MERSENNE } from '../support/mersenne.ts'
import { runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

describe('the example of batch states', () => {
  it('finds the Mersenne primes that are known, alone and on threads', async () => {
    const cwd = temporaryDirectory()
    expectMersennePrimes(await startNode([MERSENNE], { cwd }).ended)
    expectMersennePrimes(await runProgram(['run', '-j', '2', MERSENNE], { cwd }))
  })

  it('ends when its time is over, with the rest left OPEN', async () => {
    const ended = await startNode([MERSENNE, '4000', '0.1'], { cwd: temporaryDirectory() }).ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    const [, ruledOut, tested, left] =
      /^550 exponents: (\d+) ruled out by a factor, (\d+) tested, (\d+) left$/m.exec(ended.stdout) ?? []
    expect(Number(left)).toBeGreaterThan(0)
    expect(Number(ruledOut) + Number(tested) + Number(left)).toBe(550)
  })
})
