import assert from 'node:assert/strict'
import type { Communicator } from '../communicator.ts'

/** One promise of the port `Communicator`. */
export interface ContractCase {
  /** What is promised, as a sentence. */
  readonly name: string
  /** Throws in at least one rank if the promise is broken. Collective. */
  readonly run: (communicator: Communicator) => Promise<unknown>
}

/** Asserts that a promise fails with an error of mpibatch that has this code. */
export async function assertFails(step: Promise<unknown>, code: string): Promise<Error> {
  const thrown = await step.then(
    () => assert.fail(`Expected an error ${code}, but the call came to its end`),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof Error, `Expected an error ${code}, but got ${String(thrown)}`)
  assert.equal(
    (thrown as Error & { code?: unknown }).code,
    code,
    `Expected ${code}, but got: ${thrown.message}`,
  )
  return thrown
}

/** Ranks of a communicator, in order. */
export function ranksOf({ size }: Communicator): number[] {
  return Array.from({ length: size }, (_, rank) => rank)
}

/** This member's part of a communicator: those that give the same color. Collective. */
export async function splitInto(communicator: Communicator, color: number): Promise<Communicator> {
  const part = await communicator.split({ color })
  assert.ok(part !== undefined)
  return part
}
