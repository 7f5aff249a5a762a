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
} from '../communicator.ts'
import { UsageError } from '../errors.ts'
import { invariant } from '../invariant.ts'
import type { SharedMemory } from '../shared-memory.ts'
import type { SharedWindow } from '../shared-window.ts'

/** One operation of a rank on a window. */
export interface RemoteOperation {
  readonly rank: number
  readonly operation:
    | 'load'
    | 'store'
    | 'fetchAdd'
    | 'exchange'
    | 'compareExchange'
    | 'read'
    | 'write'
    | 'accumulate'
}

/** Runs an operation once, at any later time. */
export type RemoteStep = <T>(operation: RemoteOperation, run: () => Promise<T>) => Promise<T>

/**
 * Makes windows look as between nodes: their words are out of reach, and each operation takes its time. Only windows of
 * what `splitByNode` makes have words in reach.
 *
 * @param node - Number of this rank's node. @defaultValue each rank is a node of its own
 */
export function withRemoteWindows(
  communicator: Communicator,
  step: RemoteStep,
  node: number = communicator.rank,
): Communicator {
  return new RemoteWindowCommunicator(communicator, step, node)
}

class RemoteWindowCommunicator implements Communicator {
  readonly rank: number
  readonly size: number
  /** Between nodes there is none. */
  readonly sharesProcess = false
  readonly #inner: Communicator
  readonly #step: RemoteStep
  readonly #node: number

  constructor(inner: Communicator, step: RemoteStep, node: number) {
    this.rank = inner.rank
    this.size = inner.size
    this.#inner = inner
    this.#step = step
    this.#node = node
  }

  async createWindow(options: { readonly length: number }): Promise<SharedWindow> {
    const inner = await this.#inner.createWindow(options)
    const { rank } = this
    const step = this.#step
    return {
      length: inner.length,
      words: undefined,
      load: (index) => step({ rank, operation: 'load' }, () => inner.load(index)),
      store: (index, value) => step({ rank, operation: 'store' }, () => inner.store(index, value)),
      fetchAdd: (index, value) => step({ rank, operation: 'fetchAdd' }, () => inner.fetchAdd(index, value)),
      exchange: (index, value) => step({ rank, operation: 'exchange' }, () => inner.exchange(index, value)),
      compareExchange: (index, expected, replacement) =>
        step({ rank, operation: 'compareExchange' }, () =>
          inner.compareExchange(index, expected, replacement),
        ),
      read: (index, count) => step({ rank, operation: 'read' }, () => inner.read(index, count)),
      write: (index, values) => step({ rank, operation: 'write' }, () => inner.write(index, values)),
      accumulate: (index, values) =>
        step({ rank, operation: 'accumulate' }, () => inner.accumulate(index, values)),
      close: () => inner.close(),
    }
  }

  async allocateShared(options: { readonly sizeBytes: number }): Promise<SharedMemory> {
    const nodes = await this.#inner.allgather(this.#node)
    if (new Set(nodes).size === 1) return this.#inner.allocateShared(options)
    throw new UsageError(`These ranks are on the nodes ${nodes.join(', ')}, which share no memory.`)
  }

  async split(options: SplitOptions): Promise<Communicator | undefined> {
    const part = await this.#inner.split(options)
    return part && new RemoteWindowCommunicator(part, this.#step, this.#node)
  }

  /** There, and only there, the words are in reach. */
  async splitByNode(options?: WaitOptions): Promise<Communicator> {
    const members = await this.#inner.split({ ...options, color: this.#node })
    invariant(members !== undefined, 'A rank with a color got no communicator')
    return members
  }

  async duplicate(options?: WaitOptions): Promise<Communicator> {
    return new RemoteWindowCommunicator(await this.#inner.duplicate(options), this.#step, this.#node)
  }

  send(data: unknown, options: SendOptions): Promise<void> {
    return this.#inner.send(data, options)
  }

  receive<T = unknown>(options?: ReceiveOptions): Promise<Message<T>> {
    return this.#inner.receive(options)
  }

  barrier(options?: WaitOptions): Promise<void> {
    return this.#inner.barrier(options)
  }

  broadcast<T>(value: T, options?: RootOptions): Promise<T> {
    return this.#inner.broadcast(value, options)
  }

  gather<T>(value: T, options?: RootOptions): Promise<T[] | undefined> {
    return this.#inner.gather(value, options)
  }

  allgather<T>(value: T, options?: WaitOptions): Promise<T[]> {
    return this.#inner.allgather(value, options)
  }

  allreduce<T extends Reducible>(value: T, operation: ReduceOperation, options?: WaitOptions): Promise<T> {
    return this.#inner.allreduce(value, operation, options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
