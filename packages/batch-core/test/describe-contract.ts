import { describe, test } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { contractCases } from '../src/testing/index.ts'

/** Runs the contract under vitest, each case on ranks of its own. */
export function describeContract(name: string, createRanks: () => Communicator[]): void {
  describe(name, () => {
    test.each(contractCases)('$name', async ({ run }) => {
      await Promise.all(createRanks().map(run))
    })
  })
}
