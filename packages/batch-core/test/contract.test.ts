import { expect, test } from 'vitest'
import { createSoloCommunicator } from '../src/solo-communicator.ts'
import { contractCases, createLoopback } from '../src/testing/index.ts'
import { describeContract } from './describe-contract.ts'

test('no two cases of the contract have the same name', () => {
  const names = contractCases.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

describeContract('a solo communicator', () => [createSoloCommunicator()])

for (const size of [1, 2, 3, 4, 7]) {
  describeContract(`loopback communicators of ${size} ranks`, () => createLoopback(size))
}
