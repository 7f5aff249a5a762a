import { describe, test } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { communicatorContractCases } from '../src/testing/index.ts'

/** Runs the communicator contract under vitest, each case on ranks of its own. */
export function describeCommunicatorContract(name: string, createRanks: () => Communicator[]): void {
  describe(name, () => {
    test.each(communicatorContractCases)('$name', async ({ run }) => {
      await Promise.all(createRanks().map(run))
    })
  })
}
