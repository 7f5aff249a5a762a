import type { Envelope, MessageTransport, TransportListener } from '../message-transport.ts'
import type { ThreadSetup } from './thread-setup.ts'

/** A delay that is never reached: the timer stands for "somebody waits" and does nothing. */
const IDLE_MS = 0x7fffffff

/**
 * Carries messages over one port per pair of threads, without a hop through the thread that started them.
 *
 * The ports don't keep the thread alive, so that it ends by itself when its script is done. A timer does while
 * somebody waits: one handle to switch, however many ports there are.
 */
export function createThreadTransport({ rank, size, ports }: ThreadSetup): MessageTransport {
  const keeper = setInterval(() => {}, IDLE_MS).unref()
  let listener: TransportListener | undefined
  return {
    worldRank: rank,
    worldSize: size,
    sharesProcess: true,
    post: (destination, envelope) => {
      if (destination === rank) listener?.message(structuredClone(envelope))
      else ports[destination]?.postMessage(envelope)
    },
    listen: (newListener) => {
      listener = newListener
      ports.forEach((port, peer) => {
        port?.on('message', (envelope: Envelope) => newListener.message(envelope))
        // A port closes when the thread at its other end is gone, behind the last message from there.
        port?.on('close', () => newListener.rankLost(peer))
        port?.on('messageerror', (error) => {
          throw error
        })
        port?.unref()
      })
    },
    keepAlive: (waiting) => {
      if (waiting) keeper.ref()
      else keeper.unref()
    },
  }
}
