import type { Communicator } from './communicator.ts'
import { createMessageCommunicator } from './message-communicator.ts'
import type { TransportListener } from './message-transport.ts'

/**
 * Makes a communicator of one rank, for programs that run without MPI and without threads.
 *
 * Everything works as among several ranks: what it sends to itself is copied and waits until it is received.
 */
export function createSoloCommunicator(): Communicator {
  let listener: TransportListener | undefined
  return createMessageCommunicator({
    worldRank: 0,
    worldSize: 1,
    sharesProcess: true,
    post: (_destination, envelope) => listener?.message(structuredClone(envelope)),
    listen: (newListener) => {
      listener = newListener
    },
    // Only this rank itself can send what it waits for, so waiting is no reason to stay alive.
    keepAlive: () => {},
  })
}
