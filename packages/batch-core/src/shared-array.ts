/**
 * Arrays that all ranks read, one copy per node.
 *
 * Purpose: give every rank the same large data, without a copy for each, and without files.
 *
 * Guarantees: when `set` or `assign` comes back on a rank, the new values are there, on every node; what one rank finds
 * wrong in a collective call is thrown on all. Where ranks are processes (MPI), `values` is mapped for reading only: a
 * stray write ends the process with a sentence, where it would have made the nodes differ.
 *
 * Calling sequence: `empty`, `full` or `copy` on all ranks; reading at any time, by any rank; `set` and `assign` on all
 * ranks, which wait for each other before and after; `close` on all ranks.
 *
 * Failure: the memory has no name in any file system. It is gone with the last process that has it, however that ends.
 */
import { type ArrayNodes, findArrayNodes } from './array-nodes.ts'
import {
  type ArrayContents,
  type ArrayRequest,
  agreedContents,
  type CopyArrayOptions,
  copyRequestOf,
  type EmptyArrayOptions,
  type RegionOptions,
  requestOf,
  type SetOptions,
  type SharedArrayOptions,
} from './array-options.ts'
import { unpackRuns } from './array-runs.ts'
import { countElements, type Region, runsOf } from './array-shape.ts'
import { transferRegion } from './array-transfer.ts'
import { ArrayView } from './array-view.ts'
import { agreedWrite, planWrite, type WriteOffer } from './array-write.ts'
import { decideOnRankZero, decisionOf } from './decision.ts'
import { ClosedError, ConfigError, decodeError, encodeError, MpibatchError } from './errors.ts'
import { invariant } from './invariant.ts'
import type { SharedMemory } from './shared-memory.ts'
import { createSoloCommunicator } from './solo-communicator.ts'
import { type ElementOf, type TypedArray, type TypedArrayType, typeNamed } from './typed-arrays.ts'

/**
 * An array that all ranks of a communicator read, in one copy per node: shared memory where ranks share it, and copies
 * that are kept equal across nodes.
 *
 * Any of JavaScript's typed arrays, of any shape; its elements are 0 at first. Reading is plain reading of memory
 * ({@link SharedArray.values}, {@link SharedArray.view}), not collective, by any rank at any time. Writing is
 * collective ({@link SharedArray.set}, {@link SharedArray.assign}), so that the copies of all nodes stay equal.
 *
 * An array may have more than 2^31 elements. In Node 20 the limits are 2^32 elements and, where ranks are processes,
 * 4 GiB.
 *
 * ```js
 * const table = await SharedArray.empty({ communicator, type: Float64Array, shape: [2, 5, 10] })
 * await table.set(row, { offset: [0, 2, 0], shape: [1, 1, 10], from: 3 })   // all ranks call it, rank 3 has the row
 * console.log(table.view().at(0, 2, 9))
 * await table.close()
 * ```
 */
export class SharedArray<T extends TypedArray> {
  /** Number of elements, one per dimension. */
  readonly shape: readonly number[]
  /** Number of elements. */
  readonly length: number
  /** Name of the type of its values, such as `Float64Array`. */
  readonly typeName: string
  /**
   * Whether a write to {@link SharedArray.values} ends the process with a sentence on standard error (SIGSEGV): so it is
   * where ranks are processes (MPI). Between threads, and alone, such a write changes this node's copy, unnoticed.
   */
  readonly isProtected: boolean
  readonly #nodes: ArrayNodes
  readonly #memory: SharedMemory
  readonly #type: TypedArrayType<TypedArray>
  readonly #values: T
  readonly #writable: TypedArray
  /** The steps of two calls under way at once would be told apart by their order, which differs between ranks. */
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(
    nodes: ArrayNodes,
    memory: SharedMemory,
    { typeName, shape }: ArrayContents,
    access: 'set' | 'direct',
  ) {
    const type = typeNamed(typeName)
    invariant(type !== undefined, 'The type of an array was checked')
    this.shape = Object.freeze([...shape])
    this.length = countElements(shape)
    this.typeName = typeName
    this.isProtected = memory.isProtected && access === 'set'
    this.#nodes = nodes
    this.#memory = memory
    this.#type = type
    this.#writable = new type(memory.writable)
    this.#values = (access === 'set' ? new type(memory.readable) : this.#writable) as T
  }

  /**
   * Makes an array whose elements are all 0. Collective over the communicator, with equal options on all ranks.
   *
   * @throws {@link ConfigError} on all ranks if a shape or an option can't be, or, with `access: 'direct'`, the ranks are
   *   on several nodes.
   * @throws {@link ConfigMismatchError} on all ranks if they don't ask for the same.
   * @throws {@link SharedMemoryError} on all ranks if a node has not so much memory to share.
   */
  static async empty<T extends TypedArray>(options: EmptyArrayOptions<T>): Promise<SharedArray<T>> {
    return SharedArray.#make<T>(options, () => requestOf(options))
  }

  /**
   * Makes an array whose elements all have one value. Collective; as {@link SharedArray.empty}.
   *
   * @param value - Equal on all ranks; a `bigint` for BigInt64Array and BigUint64Array, else a `number`.
   */
  static async full<T extends TypedArray>(
    value: ElementOf<T>,
    options: EmptyArrayOptions<T>,
  ): Promise<SharedArray<T>> {
    return SharedArray.#make<T>(options, () => requestOf(options, value))
  }

  /**
   * Makes an array with the type, the shape and the values of what one rank has. Collective; as
   * {@link SharedArray.empty}.
   *
   * @param values - Count on rank `from` only; give `undefined` on the others.
   * @throws {@link UsageError} on all ranks if there are no values on that rank, or not as many as the shape has.
   */
  static async copy<T extends TypedArray>(
    values: T | ArrayView<T> | undefined,
    options: CopyArrayOptions,
  ): Promise<SharedArray<T>> {
    const array = await SharedArray.#make<T>(options, (rank) => copyRequestOf(values, options, rank))
    const { from = 0 } = options
    if (array.length === 0) return array
    try {
      await array.set(values, { from, shape: array.shape })
    } catch (error) {
      await array.close()
      throw error
    }
    return array
  }

  static async #make<T extends TypedArray>(
    options: SharedArrayOptions,
    request: (rank: number) => ArrayRequest,
  ): Promise<SharedArray<T>> {
    const { access = 'set', nodeCommunicator } = options
    // The one call on the caller's communicator, so that several arrays may be made at once.
    const all = await (options.communicator ?? createSoloCommunicator()).duplicate()
    let nodes: ArrayNodes | undefined
    try {
      const contents = await decideOnRankZero(all, request(all.rank), agreedContents)
      nodes = await findArrayNodes(all, nodeCommunicator)
      if (access === 'direct' && nodes.nodeCount > 1) throw severalNodes(nodes.nodeCount)
      const memory = await allocateCopies(nodes, contents)
      const array = new SharedArray<T>(nodes, memory, contents, access)
      // Every element of a fill has the type that the array has.
      if (contents.fill !== undefined && nodes.node.rank === 0) array.#writable.fill(contents.fill as never)
      await all.barrier()
      return array
    } catch (error) {
      await (nodes ?? all).close()
      throw error
    }
  }

  /**
   * All elements, in rows: the last index runs fastest. This node's copy itself, not a copy of it. With
   * `access: 'direct'` to be written, else to be read only.
   *
   * @throws {@link ClosedError} after {@link SharedArray.close}.
   */
  get values(): T {
    this.#checkOpen()
    return this.#values
  }

  /**
   * The array as one of its shape, to read elements by their indices, and to take parts of it without copying. Not
   * collective.
   *
   * @throws {@link ClosedError} after {@link SharedArray.close}.
   */
  view(): ArrayView<T> {
    return ArrayView.of(this.values, this.shape)
  }

  /**
   * Writes a part of the array, or all of it, on every node. Collective: all ranks call it, with the same `from`.
   *
   * It waits until all ranks have come, so that nobody still reads what was there before, and comes back when the new
   * values are in all copies. Between nodes they go in pieces of 4 MiB, so that no message is as large as the array.
   *
   * @param values - Count on rank `from` only. A typed array of the array's type, in rows, or a view of one; they must
   *   not change before the call comes back.
   * @throws {@link UsageError} on all ranks if the values have another type, or don't fit the part, or the part does not
   *   lie within the array, or the array has no elements. Nothing was changed.
   * @throws {@link ConfigMismatchError} on all ranks if they give different `from`.
   * @throws {@link ClosedError} after {@link SharedArray.close}.
   */
  async set(values: T | ArrayView<T> | undefined, options: SetOptions = {}): Promise<void> {
    const { from = 0 } = options
    const isFrom = this.#nodes.all.rank === from
    return this.#inOrder(() => this.#write(isFrom ? values : undefined, options, { isFrom, from }))
  }

  /**
   * Writes like {@link SharedArray.set}, and finds out which rank has the values. Collective.
   *
   * @param values - On one rank the values, on all others `undefined`.
   * @throws As {@link SharedArray.set}, and {@link UsageError} on all ranks if none or several have values.
   */
  async assign(values: T | ArrayView<T> | undefined, options: RegionOptions = {}): Promise<void> {
    return this.#inOrder(() => this.#write(values, options, { isFrom: values !== undefined }))
  }

  /**
   * Frees the memory. Collective; a second call returns the promise of the first.
   *
   * Neither values nor views may be used afterwards; where ranks are processes they are empty then.
   */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(async () => {
      await this.#memory.close()
      await this.#nodes.close()
    })
    return this.#closing
  }

  /** Closes the array at the end of an `await using` block. Collective. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #write(
    values: T | ArrayView<T> | undefined,
    options: RegionOptions,
    { isFrom, from }: { readonly isFrom: boolean; readonly from?: number },
  ): Promise<void> {
    const { all, node, leaders, nodeIndex } = this.#nodes
    const prepared = isFrom ? decisionOf(() => this.#prepare(values, options)) : undefined
    const region = prepared && ('result' in prepared ? { result: prepared.result.region } : prepared)
    const offer: WriteOffer = {
      nodeIndex,
      ...(from === undefined ? {} : { from }),
      ...(region === undefined ? {} : { region }),
    }
    // Nobody gets the decision before all have come, so that nobody reads what is written now.
    const write = await decideOnRankZero(all, offer, agreedWrite)
    if (write.from === all.rank && prepared !== undefined && 'result' in prepared) {
      unpackRuns(this.#writable, runsOf(this.shape, write.region), prepared.result.source)
    }
    if (this.#nodes.nodeCount > 1) {
      // The leader there sends what another rank of the node may have written.
      if (nodeIndex === write.nodeIndex) await node.barrier()
      if (leaders !== undefined) {
        await transferRegion(leaders, {
          values: this.#writable,
          type: this.#type,
          shape: this.shape,
          region: write.region,
          root: write.nodeIndex,
        })
      }
    }
    await all.barrier()
  }

  /** Does all that may fail, as of a view whose memory was freed, before anybody writes. */
  #prepare(
    values: T | ArrayView<T> | undefined,
    options: RegionOptions,
  ): { readonly region: Region; readonly source: TypedArray } {
    const { region, values: given } = planWrite(this, values, options)
    const { writable, readable } = this.#memory
    // A part of this array itself: it would change while it is read.
    const isOwn = given.buffer === writable || given.buffer === readable
    return { region, source: isOwn ? ArrayView.of(given).toArray() : given }
  }

  #inOrder<R>(step: () => Promise<R>): Promise<R> {
    this.#checkOpen()
    const taken = this.#last.then(step)
    this.#last = taken.catch(() => undefined)
    return taken
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return
    throw new ClosedError('This array was closed. Use it before close, or make another one.')
  }
}

/** Makes the memory of all nodes, or throws on all ranks what went wrong on one node. */
async function allocateCopies(
  { all, node, nodeCount }: ArrayNodes,
  { typeName, shape }: ArrayContents,
): Promise<SharedMemory> {
  const sizeBytes = countElements(shape) * (typeNamed(typeName)?.BYTES_PER_ELEMENT ?? 0)
  const allocated = node.allocateShared({ sizeBytes })
  if (nodeCount === 1) return allocated
  const outcome = await allocated.catch((error: unknown) => {
    if (error instanceof MpibatchError) return encodeError(error)
    throw error
  })
  const failures = await all.allgather('code' in outcome ? outcome : undefined)
  const failure = failures.find((found) => found !== undefined)
  if (failure === undefined && !('code' in outcome)) return outcome
  if (!('code' in outcome)) await outcome.close()
  throw decodeError(failure ?? encodeError('An array has no memory'))
}

function severalNodes(count: number): ConfigError {
  return new ConfigError(
    `With access 'direct' every rank writes into the one copy of an array, but these ranks are on ${count} nodes. Start them on one, make an array per node (splitByNode), or write with set and assign (access 'set').`,
    { details: { nodeCount: count } },
  )
}
