import { RankLostError } from './errors.ts'
import type { Envelope, MessageTransport } from './message-transport.ts'
import { type WaitLimits, watchWaitLimits } from './wait-limits.ts'

/** Which message a receiver waits for. */
export interface WantedMessage extends WaitLimits {
  /** The communicator's context. */
  readonly context: string
  /** Rank of the sender in the communicator; any if `undefined`. */
  readonly source: number | undefined
  /** Tag; any tag of users, 0 and above, if `undefined`. */
  readonly tag: number | undefined
  /** World ranks that can send it. When all of them are lost, it can't come any more. */
  readonly senders: readonly number[]
}

interface Waiting {
  readonly wanted: WantedMessage
  readonly resolve: (envelope: Envelope) => void
  readonly reject: (reason: unknown) => void
  readonly stopWatching: (() => void) | undefined
}

interface Box {
  readonly arrived: Envelope[]
  readonly waiting: Waiting[]
}

/** All messages of one rank that arrived and were not received yet, and all receives that wait, by context. */
export class Mailbox {
  readonly #transport: MessageTransport
  readonly #boxes = new Map<string, Box>()
  readonly #lost = new Set<number>()
  #waitingCount = 0

  constructor(transport: MessageTransport) {
    this.#transport = transport
    transport.listen({
      message: (envelope) => this.#deliver(envelope),
      rankLost: (worldRank) => this.#loseRank(worldRank),
    })
  }

  /** Whether the rank has ended. */
  isLost(worldRank: number): boolean {
    return this.#lost.has(worldRank)
  }

  /**
   * Takes the oldest message that fits, or waits for one. Receives that fit the same message get it in order of call.
   *
   * @throws {@link TimeoutError} when `timeoutMs` is over, the signal's reason when it aborts.
   * @throws {@link RankLostError} when all possible senders have ended.
   */
  receive(wanted: WantedMessage): Promise<Envelope> {
    const box = this.#boxOf(wanted.context)
    const index = box.arrived.findIndex((envelope) => fits(envelope, wanted))
    const found = box.arrived[index]
    if (found !== undefined) {
      // V8 takes the first element of a long array away without moving the rest, but only through shift.
      if (index === 0) box.arrived.shift()
      else box.arrived.splice(index, 1)
      return Promise.resolve(found)
    }
    if (this.#cannotCome(wanted)) return Promise.reject(rankLost(wanted))
    return new Promise((resolve, reject) => {
      const stopWatching = watchWaitLimits(wanted, 'No message that fits came', (reason) =>
        this.#fail(waiting, reason),
      )
      const waiting: Waiting = { wanted, resolve, reject, stopWatching }
      box.waiting.push(waiting)
      this.#waitingCount += 1
      if (this.#waitingCount === 1) this.#transport.keepAlive(true)
    })
  }

  /** Throws away what is left of a context; receives that still wait there fail with the reason. */
  closeContext(context: string, reason: Error): void {
    for (const waiting of [...(this.#boxes.get(context)?.waiting ?? [])]) this.#fail(waiting, reason)
    this.#boxes.delete(context)
  }

  #boxOf(context: string): Box {
    let box = this.#boxes.get(context)
    if (box === undefined) {
      // A message may come before this rank has made the communicator that it belongs to.
      box = { arrived: [], waiting: [] }
      this.#boxes.set(context, box)
    }
    return box
  }

  #deliver(envelope: Envelope): void {
    const box = this.#boxOf(envelope.context)
    const waiting = box.waiting.find(({ wanted }) => fits(envelope, wanted))
    if (waiting === undefined) {
      box.arrived.push(envelope)
      return
    }
    this.#remove(waiting)
    waiting.resolve(envelope)
  }

  #loseRank(worldRank: number): void {
    this.#lost.add(worldRank)
    for (const box of this.#boxes.values()) {
      for (const waiting of [...box.waiting]) {
        if (this.#cannotCome(waiting.wanted)) this.#fail(waiting, rankLost(waiting.wanted))
      }
    }
  }

  #cannotCome({ senders }: WantedMessage): boolean {
    return this.#lost.size > 0 && senders.length > 0 && senders.every((sender) => this.#lost.has(sender))
  }

  #fail(waiting: Waiting, reason: unknown): void {
    this.#remove(waiting)
    waiting.reject(reason)
  }

  #remove(waiting: Waiting): void {
    const list = this.#boxes.get(waiting.wanted.context)?.waiting ?? []
    list.splice(list.indexOf(waiting), 1)
    waiting.stopWatching?.()
    this.#waitingCount -= 1
    if (this.#waitingCount === 0) this.#transport.keepAlive(false)
  }
}

function fits(envelope: Envelope, { source, tag }: WantedMessage): boolean {
  if (source !== undefined && source !== envelope.source) return false
  return tag === undefined ? envelope.tag >= 0 : tag === envelope.tag
}

function rankLost({ senders }: WantedMessage): RankLostError {
  const who = senders.length === 1 ? `Rank ${senders[0]} has` : `Ranks ${senders.join(', ')} have`
  return new RankLostError(
    `${who} ended, but this rank waits for a message from there. Every rank has to make the same collective calls and to ` +
      'close what it opened before it ends; look at what the ended rank reported.',
    { details: { worldRanks: senders } },
  )
}
