/**
 * A communicator over any transport that carries messages between two ranks.
 *
 * Contexts: every communicator has a text that marks its messages. A child's context is its parent's, the number of
 * children that the parent had before, and the color. Members make children in the same order, so they find the same
 * text without asking anybody, and no two communicators of a job have the same.
 *
 * Collective calls count on in the same way. The number of the call, below zero, is the tag of its messages, so they
 * never fit a user's receive, and two calls under way at once don't mix.
 */
import type {
  Communicator,
  Message,
  ReceiveOptions,
  ReduceOperation,
  Reducible,
  RootOptions,
  SendOptions,
  SplitOptions,
  WaitOptions,
} from './communicator.ts'
import { decisionOf, resultOf } from './decision.ts'
import { ClosedError, ConfigMismatchError, RankLostError, TimeoutError, UsageError } from './errors.ts'
import { invariant } from './invariant.ts'
import { Mailbox } from './mailbox.ts'
import { copyMessage, withCopyErrors } from './message-copy.ts'
import type { Envelope, MessageTransport } from './message-transport.ts'
import { checkRank } from './rank-checks.ts'
import { checkReduceInput, combine, type ReduceInput } from './reduce.ts'
import { allocateSharedMemory, type MemberPlace, type SharedMemory } from './shared-memory.ts'
import type { SharedWindow } from './shared-window.ts'
import { checkWaitLimits } from './wait-limits.ts'
import { createWindow } from './window.ts'

/**
 * Largest communicator whose members say goodbye to each other one by one, which leaves nothing behind. Among more that
 * would be too many messages: they meet as at a barrier, and a message that nobody received and that comes late stays in
 * memory.
 */
const DIRECT_CLOSE_SIZE_MAX = 32
/** Largest tag that every MPI library has to take. */
const TAG_MAX = 32767

/**
 * Makes the communicator of all ranks that the transport reaches.
 *
 * Each rank calls it once; nothing is sent.
 */
export function createMessageCommunicator(transport: MessageTransport): Communicator {
  const members = Array.from({ length: transport.worldSize }, (_, worldRank) => worldRank)
  return new MessageCommunicator({ transport, mailbox: new Mailbox(transport) }, members, 'world')
}

interface Endpoint {
  readonly transport: MessageTransport
  readonly mailbox: Mailbox
}

/** One collective call: what its messages are marked with. */
interface Call {
  readonly mark: Pick<Envelope, 'tag'> & { readonly operation: string }
  readonly timeoutMs: number | undefined
  /** By `performance.now()`. */
  readonly startMs: number
  readonly signal: AbortSignal | undefined
}

class MessageCommunicator implements Communicator {
  readonly rank: number
  readonly size: number
  readonly sharesProcess: boolean
  readonly #endpoint: Endpoint
  /** World rank of each member. */
  readonly #members: readonly number[]
  readonly #context: string
  #callCount = 0
  #childCount = 0
  #closing: Promise<void> | undefined

  constructor(endpoint: Endpoint, members: readonly number[], context: string) {
    this.rank = members.indexOf(endpoint.transport.worldRank)
    this.size = members.length
    this.sharesProcess = endpoint.transport.sharesProcess
    this.#endpoint = endpoint
    this.#members = members
    this.#context = context
  }

  async send(data: unknown, options: SendOptions): Promise<void> {
    this.#checkOpen()
    const { destination, tag = 0 } = options
    checkRank('The destination', destination, this.size)
    checkTag(tag)
    this.#post(destination, { tag, data })
  }

  async receive<T = unknown>(options: ReceiveOptions = {}): Promise<Message<T>> {
    this.#checkOpen()
    const { source, tag, timeoutMs, signal } = options
    if (source !== undefined) checkRank('The source', source, this.size)
    if (tag !== undefined) checkTag(tag)
    checkWaitLimits({ timeoutMs, signal })
    const senders =
      source === undefined ? this.#members.filter((_, rank) => rank !== this.rank) : [this.#worldRank(source)]
    const wanted = { context: this.#context, source, tag, senders, timeoutMs, signal }
    const envelope = await this.#endpoint.mailbox.receive(wanted)
    return { data: envelope.data as T, source: envelope.source, tag: envelope.tag }
  }

  async barrier(options: WaitOptions = {}): Promise<void> {
    await this.#meet(this.#begin('barrier', options))
  }

  async broadcast<T>(value: T, options: RootOptions = {}): Promise<T> {
    const { root = 0 } = options
    checkRank('The root', root, this.size)
    return this.#broadcast(this.#begin('broadcast', options), value, root)
  }

  async gather<T>(value: T, options: RootOptions = {}): Promise<T[] | undefined> {
    const { root = 0 } = options
    checkRank('The root', root, this.size)
    return this.#gather(this.#begin('gather', options), value, root)
  }

  async allgather<T>(value: T, options: WaitOptions = {}): Promise<T[]> {
    return this.#decide(this.#begin('allgather', options), value, (values) => values)
  }

  async allreduce<T extends Reducible>(
    value: T,
    operation: ReduceOperation,
    options: WaitOptions = {},
  ): Promise<T> {
    const input: ReduceInput = { value, operation }
    this.#checkOpen()
    checkReduceInput(input)
    // Rank 0 alone computes, so that all members get the same bits whatever the order of arrival.
    return this.#decide(this.#begin('allreduce', options), input, (inputs) => combine(inputs) as T)
  }

  async split(options: SplitOptions): Promise<Communicator | undefined> {
    this.#checkOpen()
    const { color, key = 0 } = options
    if (color !== undefined && !(Number.isSafeInteger(color) && color >= 0)) {
      throw new UsageError(
        `The color is ${color}, but has to be an integer of 0 or more, or undefined to join nobody.`,
      )
    }
    if (!Number.isFinite(key)) throw new UsageError(`The key is ${key}, but has to be a finite number.`)
    const context = this.#nextContext()
    const call = this.#begin('split', options)
    const all = await this.#decide(call, { color, key }, (choices) => choices)
    if (color === undefined) return undefined
    const ranks = all
      .map((choice, rank) => ({ ...choice, rank }))
      .filter((choice) => choice.color === color)
      .sort((left, right) => left.key - right.key || left.rank - right.rank)
    const members = ranks.map(({ rank }) => this.#worldRank(rank))
    return new MessageCommunicator(this.#endpoint, members, `${context}:${color}`)
  }

  async splitByNode(options: WaitOptions = {}): Promise<Communicator> {
    const { nodes, worldRank } = this.#endpoint.transport
    const node = await this.split({ ...options, color: nodes?.[worldRank] ?? 0 })
    invariant(node !== undefined, 'A rank with a color got no communicator')
    return node
  }

  async duplicate(options: WaitOptions = {}): Promise<Communicator> {
    this.#checkOpen()
    const context = this.#nextContext()
    await this.barrier(options)
    return new MessageCommunicator(this.#endpoint, this.#members, context)
  }

  async createWindow({ length }: { readonly length: number }): Promise<SharedWindow> {
    this.#checkOpen()
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new UsageError(`The length is ${length}, but has to be a number of words, 0 or more.`)
    }
    return createWindow(length, this.#place('createWindow'))
  }

  async allocateShared({ sizeBytes }: { readonly sizeBytes: number }): Promise<SharedMemory> {
    return allocateSharedMemory(sizeBytes, this.#place('allocateShared'))
  }

  /** Frees the communicator. Collective; a second call returns the promise of the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close(this.#begin('close'))
    return this.#closing
  }

  async #close(call: Call): Promise<void> {
    try {
      if (this.size > DIRECT_CLOSE_SIZE_MAX) await this.#meet(call)
      else await this.#meetDirectly(call)
    } finally {
      this.#endpoint.mailbox.closeContext(this.#context, closedError())
    }
  }

  /** A word from each member itself, not through others: it arrives behind everything that the member has sent. */
  async #meetDirectly(call: Call): Promise<void> {
    const others = this.#members.map((_, rank) => rank).filter((rank) => rank !== this.rank)
    for (const rank of others) this.#post(rank, { ...call.mark, data: undefined })
    for (const rank of others) await this.#take(call, rank)
  }

  /** Dissemination: after round k every rank knows of 2^(k+1) ranks that came (Hensgen, Finkel and Manber 1988). */
  async #meet(call: Call): Promise<void> {
    for (let distance = 1; distance < this.size; distance *= 2) {
      this.#post((this.rank + distance) % this.size, { ...call.mark, data: undefined })
      await this.#take(call, (this.rank - distance + this.size) % this.size)
    }
  }

  /** Binomial tree: a rank gets the value from the rank without its lowest bit, counted from the root. */
  async #broadcast<T>(call: Call, value: T, root: number): Promise<T> {
    const relative = (this.rank - root + this.size) % this.size
    const rankOf = (relativeRank: number): number => (relativeRank + root) % this.size
    let result = value
    let bit = 1
    while (bit < this.size && (relative & bit) === 0) bit <<= 1
    if (bit < this.size) result = (await this.#take(call, rankOf(relative - bit))) as T
    for (bit >>= 1; bit > 0; bit >>= 1) {
      if (relative + bit < this.size) this.#post(rankOf(relative + bit), { ...call.mark, data: result })
    }
    return relative === 0 ? copyMessage(result) : result
  }

  async #gather<T>(call: Call, value: T, root: number): Promise<T[] | undefined> {
    if (this.rank !== root) {
      this.#post(root, { ...call.mark, data: value })
      return undefined
    }
    const values: T[] = []
    for (let rank = 0; rank < this.size; rank += 1) {
      values.push(rank === root ? copyMessage(value) : ((await this.#take(call, rank)) as T))
    }
    return values
  }

  /** What it takes to make memory that the members share; begins the call. */
  #place(operation: string): MemberPlace {
    const { memory, nodes } = this.#endpoint.transport
    const call = this.#begin(operation)
    return {
      communicator: this,
      memory,
      nodeOf: (rank) => nodes?.[this.#worldRank(rank)] ?? 0,
      ownerWorldRank: this.#worldRank(0),
      decide: (value, find) => this.#decide(call, value, find),
    }
  }

  /** Lets rank 0 find one result from the values of all; all members get it, or all throw. */
  async #decide<T, R>(call: Call, value: T, find: (values: T[]) => R): Promise<R> {
    const values = await this.#gather(call, value, 0)
    return resultOf(await this.#broadcast(call, values && decisionOf(() => find(values)), 0))
  }

  #begin(operation: string, { timeoutMs, signal }: WaitOptions = {}): Call {
    this.#checkOpen()
    // Counts also what is given up at once: the other members make the call.
    this.#callCount += 1
    checkWaitLimits({ timeoutMs, signal })
    const mark = { operation, tag: -this.#callCount }
    return { mark, timeoutMs, startMs: performance.now(), signal }
  }

  /** Counts also children that this member gives up, so that all members find the same text for the next. */
  #nextContext(): string {
    this.#childCount += 1
    return `${this.#context}.${this.#childCount - 1}`
  }

  async #take(call: Call, source: number): Promise<unknown> {
    const senders = [this.#worldRank(source)]
    const { mark, timeoutMs, startMs, signal } = call
    const leftMs = timeoutMs === undefined ? undefined : Math.max(0, startMs + timeoutMs - performance.now())
    const wanted = { context: this.#context, source, tag: mark.tag, senders, timeoutMs: leftMs, signal }
    const envelope = await this.#endpoint.mailbox.receive(wanted).catch((error: unknown) => {
      throw error instanceof TimeoutError ? lateError(source, call) : error
    })
    if (envelope.operation !== mark.operation) {
      throw new ConfigMismatchError(
        `Rank ${source} called ${envelope.operation} where this rank called ${mark.operation}. All members have to make the ` +
          'same collective calls in the same order.',
      )
    }
    return envelope.data
  }

  #post(destination: number, message: Pick<Envelope, 'tag' | 'data' | 'operation'>): void {
    const worldRank = this.#worldRank(destination)
    if (this.#endpoint.mailbox.isLost(worldRank)) {
      throw new RankLostError(
        `Rank ${worldRank} has ended, so nothing can be sent there. Look at what it reported.`,
        {
          details: { worldRanks: [worldRank] },
        },
      )
    }
    withCopyErrors(() =>
      this.#endpoint.transport.post(worldRank, { context: this.#context, source: this.rank, ...message }),
    )
  }

  #worldRank(rank: number): number {
    const worldRank = this.#members[rank]
    invariant(worldRank !== undefined, `Rank ${rank} is not in the communicator`)
    return worldRank
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

function checkTag(tag: number): void {
  if (Number.isInteger(tag) && tag >= 0 && tag <= TAG_MAX) return
  throw new UsageError(`The tag is ${tag}, but has to be an integer from 0 to ${TAG_MAX}.`, {
    details: { tag },
  })
}

function lateError(source: number, { mark, timeoutMs }: Call): TimeoutError {
  const message = `Rank ${source} did not do its part in ${mark.operation} within ${timeoutMs} ms. Wait longer, or see what it does.`
  return new TimeoutError(message, { details: { rank: source, operation: mark.operation, timeoutMs } })
}

function closedError(): ClosedError {
  return new ClosedError('This communicator was closed. Use it before close, or duplicate another one.')
}
