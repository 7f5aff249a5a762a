/** The example of batch states, and what it has to print in any runtime. */
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from './program.ts'

/** The example. Arguments: the largest exponent, and how many seconds it may take. */
export const MERSENNE: string = join(import.meta.dirname, '../../examples/04-batch-states/mersenne.mjs')

/** Exponents of the Mersenne primes, A000043 of the OEIS, as far as the example looks. */
const EXPONENTS = [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1279]

/** Checks what the example has printed without arguments. */
export function expectMersennePrimes(ended: Ended): void {
  expect(ended.exitCode, ended.stderr).toBe(0)
  const lines = ended.stdout.trim().split('\n')
  expect(lines.slice(0, -1)).toEqual(
    EXPONENTS.map((p) => `2^${p} - 1 is prime, with ${String(2n ** BigInt(p) - 1n).length} digits`),
  )
  expect(lines.at(-1)).toBe('211 exponents: 97 ruled out by a factor, 114 tested, 0 left')
  expect(ended.stderr).toContain('211 of 211 are known')
}
