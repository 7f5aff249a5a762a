import { expect, test } from 'vitest'
import { createSoloCommunicator } from '../src/solo-communicator.ts'
import { communicatorContractCases, createLoopback } from '../src/testing/index.ts'
import { describeCommunicatorContract } from './describe-communicator-contract.ts'

test('no two cases of the contract have the same name', () => {
  const names = communicatorContractCases.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

describeCommunicatorContract('a solo communicator', () => [createSoloCommunicator()])

for (const size of [1, 2, 3, 4, 7]) {
  describeCommunicatorContract(`loopback communicators of ${size} ranks`, () => createLoopback(size))
}
