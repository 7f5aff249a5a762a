import type { Communicator } from '../src/communicator.ts'
import {
  createLoopback,
  type LoopbackOptions,
  type RemoteStep,
  withRemoteWindows,
} from '../src/testing/index.ts'

/** Makes ranks that are on these nodes, one entry per rank; what they do in windows between nodes goes through `step`. */
export function createNodes(
  nodeOf: readonly number[],
  step: RemoteStep = (_operation, run) => run(),
  options: LoopbackOptions = {},
): Communicator[] {
  return createLoopback(nodeOf.length, options).map((communicator, rank) =>
    withRemoteWindows(communicator, step, nodeOf[rank]),
  )
}
