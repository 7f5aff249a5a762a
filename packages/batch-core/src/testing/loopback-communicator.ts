import type { Communicator } from '../communicator.ts'
import { UsageError } from '../errors.ts'
import { createMessageCommunicator } from '../message-communicator.ts'
import type { Envelope, MessageTransport, TransportListener } from '../message-transport.ts'

/** How {@link createLoopback} delivers. */
export interface LoopbackOptions {
  /**
   * Called for each message with the step that delivers it, to be run once, at any later time and in any order:
   * messages of one sender to one receiver stay in order whichever of their steps runs first.
   *
   * @defaultValue `setImmediate`
   */
  readonly schedule?: (deliver: () => void, label: string) => void
}

/** Makes N ranks inside this thread: the world communicator of each, in rank order. */
export function createLoopback(size: number, options: LoopbackOptions = {}): Communicator[] {
  return createLoopbackTransports(size, options).map(createMessageCommunicator)
}

/** A transport of {@link createLoopbackTransports}. */
export interface LoopbackTransport extends MessageTransport {
  /** Whether its rank waits for a message. */
  readonly waiting: boolean
  /** Ends the rank: the others learn it after its last message. */
  lose(): void
}

/** Makes the transports alone, for tests of what lies on top of them. */
export function createLoopbackTransports(size: number, options: LoopbackOptions = {}): LoopbackTransport[] {
  if (!Number.isInteger(size) || size < 1)
    throw new UsageError(`${size} ranks can't be made; take 1 or more.`)
  const schedule = options.schedule ?? ((deliver: () => void) => void setImmediate(deliver))
  const listeners: (TransportListener | undefined)[] = []
  return Array.from({ length: size }, (_, worldRank) => {
    const channels = Array.from({ length: size }, (): ((listener: TransportListener) => void)[] => [])
    const enqueue = (
      destination: number,
      label: string,
      step: (listener: TransportListener) => void,
    ): void => {
      channels[destination]?.push(step)
      schedule(() => {
        const listener = listeners[destination]
        if (listener !== undefined) channels[destination]?.shift()?.(listener)
      }, label)
    }
    let waiting = false
    return {
      worldRank,
      worldSize: size,
      sharesProcess: true,
      get waiting(): boolean {
        return waiting
      },
      post: (destination: number, envelope: Envelope) => {
        const copied = structuredClone(envelope)
        enqueue(destination, `${worldRank} to ${destination}`, (listener) => listener.message(copied))
      },
      listen: (listener: TransportListener) => {
        listeners[worldRank] = listener
      },
      keepAlive: (value: boolean) => {
        waiting = value
      },
      lose: () => {
        for (let rank = 0; rank < size; rank += 1) {
          if (rank !== worldRank)
            enqueue(rank, `end of ${worldRank}`, (listener) => listener.rankLost(worldRank))
        }
      },
    }
  })
}
