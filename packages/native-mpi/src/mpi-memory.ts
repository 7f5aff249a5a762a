import {
  type MappedBytes,
  type MappedWords,
  MpiError,
  type RemoteWords,
  SharedMemoryError,
  type TransportMemory,
  UsageError,
  type WordOperation,
  type WordParking,
} from '@mpibatch/batch-core'
import { checkBufferSize } from './buffer-limit.ts'
import type { Native } from './native.ts'

/** Numbers of the operations, as in `native/wire.h`. */
const OPERATION: Readonly<Record<WordOperation | 'read' | 'write' | 'accumulate', number>> = {
  load: 0,
  store: 1,
  fetchAdd: 2,
  exchange: 3,
  compareExchange: 4,
  read: 5,
  write: 6,
  accumulate: 7,
}

interface Handle {
  readonly path: string
  readonly sizeBytes: number
}

interface Answer {
  readonly value: number
  readonly words: Uint8Array
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (reason: Error) => void
}

/** What a request asks for; see `WindowRequest` in `native/wire.h`. */
interface Request {
  readonly index: number
  readonly value?: number
  readonly expected?: number
  readonly count?: number
  readonly words?: Int32Array
}

/** Memory that the processes of a node share, and windows that the MPI thread serves to other nodes. */
export class MpiMemory implements TransportMemory {
  readonly #native: Native
  readonly #holdAlive: (reason: 'reply', isHeld: boolean) => void
  readonly #rank: () => number | undefined
  readonly #waiting = new Map<number, Waiting>()
  /** Keeps what is served from the collector, which would unmap it under the MPI thread. */
  readonly #served = new Map<number, MappedWords>()
  #requestCount = 0

  constructor(
    native: Native,
    parts: {
      readonly holdAlive: (reason: 'reply', isHeld: boolean) => void
      /** World rank of this process, asked when MPI has started. */
      readonly rank: () => number | undefined
    },
  ) {
    this.#native = native
    this.#holdAlive = parts.holdAlive
    this.#rank = parts.rank
  }

  allocate(length: number): MappedWords {
    const sizeBytes = length * Int32Array.BYTES_PER_ELEMENT
    checkBufferSize(sizeBytes)
    try {
      const { buffer, path } = this.#native.allocate(sizeBytes)
      return this.#mapped(buffer, { path, sizeBytes })
    } catch (error) {
      throw new MpiError(
        `${sizeBytes} bytes of shared memory could not be had: ${(error as Error).message}. Use fewer tasks, or a machine with more memory.`,
        { cause: error, details: { sizeBytes } },
      )
    }
  }

  map(handle: unknown): MappedWords {
    const { path, sizeBytes } = handle as Handle
    return this.#mapped(this.#native.map(path, sizeBytes), { path, sizeBytes })
  }

  allocateBytes(sizeBytes: number): MappedBytes {
    checkBufferSize(sizeBytes)
    try {
      const { buffer, path } = this.#native.allocate(sizeBytes)
      return this.#mappedTwice(buffer, { path, sizeBytes })
    } catch (error) {
      throw new SharedMemoryError(
        `${sizeBytes} bytes of shared memory could not be had: ${(error as Error).message}. Use less, or a machine with more memory.`,
        { cause: error, details: { sizeBytes } },
      )
    }
  }

  mapBytes(handle: unknown): MappedBytes {
    const { path, sizeBytes } = handle as Handle
    try {
      return this.#mappedTwice(this.#native.map(path, sizeBytes), { path, sizeBytes })
    } catch (error) {
      const { message } = error as Error
      throw new SharedMemoryError(message, { cause: error, details: { path, sizeBytes } })
    }
  }

  serve(mapped: MappedWords): number {
    const window = this.#native.serve(mapped.words.buffer as ArrayBuffer)
    this.#served.set(window, mapped)
    return window
  }

  stopServing(window: number): void {
    this.#native.stopServing(window)
    this.#served.delete(window)
  }

  remote(owner: number, window: number): RemoteWords {
    const ask = (operation: keyof typeof OPERATION, request: Request): Promise<Answer> =>
      this.#ask(owner, window, OPERATION[operation], request)
    return {
      operate: async (operation, index, { value, expected }) =>
        (await ask(operation, { index, value, expected })).value,
      read: async (index, count) => {
        const { words } = await ask('read', { index, count })
        return new Int32Array(words.buffer, words.byteOffset, count)
      },
      write: async (index, words) => void (await ask('write', { index, count: words.length, words })),
      accumulate: async (index, words) =>
        void (await ask('accumulate', { index, count: words.length, words })),
    }
  }

  /** Takes an answer that the MPI thread received. @param value - `undefined` if the owner has no such words. */
  reply(id: number, value: number | undefined, words: Uint8Array): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#holdAlive('reply', false)
    if (value === undefined) {
      waiting?.reject(new UsageError('The window was closed by its owner while this rank still used it.'))
    } else waiting?.resolve({ value, words })
  }

  #ask(owner: number, window: number, operation: number, request: Request): Promise<Answer> {
    const { index, value = 0, expected = 0, count = 0, words } = request
    this.#requestCount += 1
    const id = this.#requestCount
    if (this.#waiting.size === 0) this.#holdAlive('reply', true)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#native.operate(owner, id, window, operation, index, value, expected, count, words)
    })
  }

  #mappedTwice(writable: ArrayBuffer, handle: Handle): MappedBytes {
    const readable = this.#native.mapReadOnly(writable, strayWriteSentence(this.#rank()))
    return {
      writable,
      readable,
      handle,
      seal: () => this.#native.closeFile(writable),
      free: () => {
        this.#native.unmap(readable)
        this.#native.unmap(writable)
      },
    }
  }

  #mapped(buffer: ArrayBuffer, handle: Handle): MappedWords {
    const parking: WordParking = {
      watch: (index, value, microsecondsMax) => this.#native.watch(buffer, index, value, microsecondsMax),
      park: (index, value, microsecondsMax) => this.#native.park(buffer, index, value, microsecondsMax),
      wake: (index) => this.#native.wake(buffer, index),
    }
    return { words: new Int32Array(buffer), handle, parking, free: () => this.#native.unmap(buffer) }
  }
}

function strayWriteSentence(rank: number | undefined): string {
  return `mpibatch: rank ${rank} wrote to the values of a SharedArray, which are only to be read, and ends by SIGSEGV. Use set() or assign(), or make the array with access: 'direct'.`
}
