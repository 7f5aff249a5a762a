import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'
import { ClosedError, invariant, typeNameOfValues, UsageError } from '@mpibatch/batch-core'
import type { ProcessIdentity } from '../process-identity.ts'
import { BUFFER_SIZE_BYTES_MAX, type BufferReference, checkReference, isShapeOf } from './buffer-reference.ts'
import type { BufferStorage } from './buffer-storage.ts'
import { type BufferElements, type BufferElementType, elementClass } from './element-types.ts'
import type { FileMapping } from './file-mapping.ts'
import { isOnMachineOf } from './holder-name.ts'
import type { Janitor } from './janitor.ts'

/** Options of {@link SharedBuffers.put}. */
export interface PutOptions {
  /** Extents of the dimensions; their product is the number of elements. @defaultValue one dimension */
  readonly shape?: readonly number[]
}

/** A mapped buffer. */
export interface BufferView<Type extends BufferElementType = BufferElementType> {
  /**
   * The elements, in the memory that all who map the buffer share. To be read only: a write ends the process with
   * SIGSEGV. Its length is 0 after `close`.
   */
  readonly values: BufferElements[Type]
  /** Extents of the dimensions, as they were put: `ArrayView.of(view.values, view.shape)` goes by indices. */
  readonly shape: readonly number[]
  /**
   * Ends the mapping; calling it again does nothing. The buffer stays held. Views that nobody has any more are closed
   * when the collector finds them.
   */
  close(): void
  /** `using view = await buffers.map(reference)` closes it at the end of the block. */
  [Symbol.dispose](): void
}

/**
 * Buffers that processes of one machine share: written once to a file in memory, passed on as a small reference, and
 * mapped wherever that arrives, without copying or serialising anything. Opened by `openSharedBuffers`.
 *
 * Each opened `SharedBuffers` is a holder: of what it has put, and of what it has held or mapped. The memory of a buffer
 * is free when the last holder has let it go: by {@link SharedBuffers.release}, by {@link SharedBuffers.close}, or by its
 * end, however it ends. Views stay valid until they are closed, whoever holds the buffer.
 *
 * Nothing here is collective, and holders need not know each other: ranks, worker threads, and programs that a task
 * starts can share, if they are of one user, on one machine, and use the same directories.
 *
 * ```ts
 * const buffers = await openSharedBuffers()
 * const table = rank === 0 ? await buffers.put(readTable()) : undefined
 * const reference = await communicator.broadcast(table)
 * const view = await buffers.map(reference)
 * console.log(view.values[12])
 * view.close()
 * ```
 */
export class SharedBuffers {
  readonly #storage: BufferStorage
  readonly #mapping: FileMapping
  readonly #janitor: Janitor
  readonly #self: ProcessIdentity
  readonly #holder: string
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(parts: {
    readonly storage: BufferStorage
    readonly mapping: FileMapping
    readonly janitor: Janitor
    readonly self: ProcessIdentity
    readonly holder: string
  }) {
    this.#storage = parts.storage
    this.#mapping = parts.mapping
    this.#janitor = parts.janitor
    this.#self = parts.self
    this.#holder = parts.holder
  }

  /** Bytes that this holder keeps in the memory disk now, of its own buffers and of others'. */
  get memoryBytes(): number {
    return this.#storage.memoryBytes
  }

  /**
   * Writes the elements of a typed array to a new buffer, which this holder holds.
   *
   * That is the one copy that is made; the array must stay as it is until the promise is settled. With a budget, or
   * where memory is full, the least recently used buffers go to the disk before, or this one does.
   *
   * @param values - A typed array of any kind, or Node's Buffer, which counts as Uint8Array; may be a part of a buffer.
   * @returns What others need to map it.
   * @throws {@link UsageError} if this is no typed array, a shape does not fit, or it is larger than an array buffer of
   *   this Node can be (4 GiB for Node 20).
   * @throws {@link SharedMemoryError} if there is no room.
   * @throws {@link ClosedError} after {@link SharedBuffers.close}.
   */
  put<Type extends BufferElementType>(
    values: BufferElements[Type] & { readonly [Symbol.toStringTag]: Type },
    options: PutOptions = {},
  ): Promise<BufferReference<Type>> {
    return this.#inTurn(async () => {
      const type = typeOf(values) as Type
      const { length, byteLength: sizeBytes } = values
      if (sizeBytes > BUFFER_SIZE_BYTES_MAX) {
        throw new UsageError(
          `${sizeBytes} bytes are more than Node ${process.versions.node} can map at once: ${BUFFER_SIZE_BYTES_MAX}. Put them as several buffers.`,
          { details: { sizeBytes } },
        )
      }
      const shape: unknown = options.shape ?? [length]
      if (!isShapeOf(shape, length)) {
        throw new UsageError(`The shape ${JSON.stringify(shape)} does not have ${length} elements.`, {
          details: { shape, length },
        })
      }
      const id = randomBytes(16).toString('hex')
      await this.#storage.add(id, values)
      return {
        holder: this.#holder,
        id,
        type,
        length,
        sizeBytes,
        shape: [...shape],
        machine: this.#self.host,
      }
    })
  }

  /**
   * Holds a buffer that another holder has: it stays when that one lets it go. Copies nothing.
   *
   * @param reference - As `put` returned it; may come from anywhere, and is looked at.
   * @throws {@link BufferGoneError} if nobody holds it any more.
   * @throws {@link UsageError} if it is no reference, or one of another machine.
   * @throws {@link StateCorruptError} if the buffer is not of the size that the reference says.
   * @throws {@link ClosedError} after {@link SharedBuffers.close}.
   */
  hold(reference: BufferReference): Promise<void> {
    return this.#inTurn(async () => {
      await this.#storage.take(this.#check(reference))
      await this.#storage.keepBudget()
    })
  }

  /**
   * Maps a buffer, and holds it as {@link SharedBuffers.hold} does. Copies nothing: all who map it read the same pages.
   *
   * @param reference - As `put` returned it; may come from anywhere, and is looked at.
   * @returns The elements, as a view that is to be closed when it is not needed any more.
   * @throws {@link BufferGoneError} if nobody holds it any more.
   * @throws {@link UsageError} if it is no reference, or one of another machine.
   * @throws {@link StateCorruptError} if the buffer is not of the size that the reference says.
   * @throws {@link ClosedError} after {@link SharedBuffers.close}.
   */
  map<Type extends BufferElementType>(reference: BufferReference<Type>): Promise<BufferView<Type>> {
    return this.#inTurn(async () => {
      const checked = this.#check(reference)
      const held = await this.#storage.take(checked)
      const descriptor = this.#storage.open(held)
      try {
        // Nothing can't be mapped.
        const { sizeBytes } = checked
        const buffer = sizeBytes === 0 ? new ArrayBuffer(0) : this.#mapping.map(descriptor, sizeBytes)
        held.mappings.add(new WeakRef(buffer))
        await this.#storage.keepBudget()
        return new MappedView(checked, buffer, this.#mapping)
      } finally {
        closeSync(descriptor)
      }
    })
  }

  /**
   * Lets a buffer go; does nothing if this holder does not hold it. Its memory is free when nobody holds or maps it.
   *
   * @throws {@link UsageError} if it is no reference.
   * @throws {@link ClosedError} after {@link SharedBuffers.close}.
   */
  release(reference: BufferReference): Promise<void> {
    return this.#inTurn(async () => this.#storage.release(checkReference(reference).id))
  }

  /** Lets all buffers go. Views stay valid until they are closed. Calling it again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(async () => {
      // What can't be removed yet is left to the janitor, at the end of this process.
      if (this.#storage.removeAll()) await this.#janitor.end()
    })
    return this.#closing
  }

  /** `await using buffers = await openSharedBuffers(…)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check<Type extends BufferElementType>(reference: BufferReference<Type>): BufferReference<Type> {
    const checked = checkReference(reference)
    if (isOnMachineOf(this.#self, checked.holder)) return checked
    const { machine } = checked
    throw new UsageError(
      `The shared buffer ${checked.id} lies on another machine, ${machine}: memory is shared on one machine only. Send the values themselves, and put them there again.`,
      { details: { id: checked.id, machine } },
    )
  }

  /** Calls of one holder don't overlap: while one moves a buffer, another must not look for it. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      return Promise.reject(new ClosedError('These shared buffers were closed before. Open them again.'))
    }
    const result = this.#last.then(run)
    // Keeps no result: what nobody else has is for the collector.
    this.#last = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }
}

class MappedView<Type extends BufferElementType> implements BufferView<Type> {
  readonly values: BufferElements[Type]
  readonly shape: readonly number[]
  readonly #buffer: ArrayBuffer
  readonly #mapping: FileMapping

  constructor({ type, shape }: BufferReference<Type>, buffer: ArrayBuffer, mapping: FileMapping) {
    const Elements = elementClass(type)
    invariant(Elements !== undefined, 'the reference was looked at')
    this.values = new Elements(buffer)
    this.shape = shape
    this.#buffer = buffer
    this.#mapping = mapping
  }

  close(): void {
    this.#mapping.unmap(this.#buffer)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function typeOf(values: unknown): string {
  const type = typeNameOfValues(values)
  if (type !== undefined) return type
  throw new UsageError(
    'Only typed arrays can be put into a shared buffer, such as Float64Array or Uint8Array.',
  )
}
