import type { TransportMemory } from './transport-memory.ts'

/** One message on its way between two ranks. */
export interface Envelope {
  /** Which communicator it belongs to; see {@link createMessageCommunicator}. */
  readonly context: string
  /** Rank of the sender in that communicator. */
  readonly source: number
  /** 0 and above for messages of users; below 0 for messages inside collective calls. */
  readonly tag: number
  /** Name of the collective call that sent it; absent for messages of users. */
  readonly operation?: string
  readonly data: unknown
}

/** Who wants to know what a transport brings. */
export interface TransportListener {
  /** A message arrived. */
  message(envelope: Envelope): void
  /** The rank ended; every message that it sent has arrived before. */
  rankLost(worldRank: number): void
}

/**
 * Port: carries messages between the ranks of a job.
 *
 * Guarantees: messages of one sender to one receiver arrive in order, each once; nothing is promised between senders.
 */
export interface MessageTransport {
  /** This rank, 0 to `worldSize - 1`. */
  readonly worldRank: number
  readonly worldSize: number
  /** Whether all ranks are threads of one process, so that a SharedArrayBuffer can be sent and stays shared. */
  readonly sharesProcess: boolean
  /** For each world rank the number of its node. @defaultValue all ranks are on one node */
  readonly nodes?: readonly number[]
  /** Memory between the ranks; only where they are no threads of one process. */
  readonly memory?: TransportMemory
  /**
   * Sends a copy, taken before this returns; the receiver may be the sender.
   *
   * @throws DataCloneError if the data can't be copied by the structured clone algorithm.
   */
  post(destinationWorldRank: number, envelope: Envelope): void
  /** Starts delivery; called once. */
  listen(listener: TransportListener): void
  /** Says whether somebody waits for a message, so that this rank has to stay alive for it. */
  keepAlive(waiting: boolean): void
}
