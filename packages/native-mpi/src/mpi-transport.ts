import { deserialize, serialize } from 'node:v8'
import type { Envelope, MessageTransport, TransportListener, TransportMemory } from '@mpibatch/batch-core'
import type { Native, NativeFacts } from './native.ts'

/** Carries messages between the ranks of an MPI job, as bytes of V8's structured clone format. */
export class MpiTransport implements MessageTransport {
  readonly worldRank: number
  readonly worldSize: number
  readonly sharesProcess = false
  readonly nodes: readonly number[]
  readonly memory: TransportMemory
  readonly #native: Native
  readonly #holdAlive: (reason: 'message', isHeld: boolean) => void
  #listener: TransportListener | undefined
  /** What came before anybody listened. */
  #early: Envelope[] = []

  constructor(
    native: Native,
    facts: NativeFacts,
    parts: {
      readonly memory: TransportMemory
      readonly holdAlive: (reason: 'message', isHeld: boolean) => void
    },
  ) {
    this.#native = native
    this.worldRank = facts.rank
    this.worldSize = facts.size
    this.nodes = facts.nodes
    this.memory = parts.memory
    this.#holdAlive = parts.holdAlive
  }

  post(destinationWorldRank: number, envelope: Envelope): void {
    if (destinationWorldRank === this.worldRank) {
      this.#deliver(structuredClone(envelope))
      return
    }
    const { context, source, tag, operation, data } = envelope
    this.#native.send(destinationWorldRank, toBytes([context, source, tag, operation, data]))
  }

  listen(listener: TransportListener): void {
    this.#listener = listener
    for (const envelope of this.#early.splice(0)) listener.message(envelope)
  }

  keepAlive(waiting: boolean): void {
    this.#holdAlive('message', waiting)
  }

  /** Takes what the MPI thread received. */
  receive(bytes: Uint8Array): void {
    const [context, source, tag, operation, data] = deserialize(bytes) as Packed
    this.#deliver({ context, source, tag, data, ...(operation === undefined ? {} : { operation }) })
  }

  #deliver(envelope: Envelope): void {
    if (this.#listener === undefined) this.#early.push(envelope)
    else this.#listener.message(envelope)
  }
}

/** An envelope without the names of its fields. */
type Packed = [context: string, source: number, tag: number, operation: string | undefined, data: unknown]

function toBytes(packed: Packed): Uint8Array {
  try {
    return serialize(packed)
  } catch (error) {
    // V8's serializer throws plain errors for what structuredClone refuses by this one.
    throw new DOMException((error as Error).message, 'DataCloneError')
  }
}
