/** Memory that the members of a communicator see at once: threads share a buffer, processes map the same pages. */
import type { Communicator } from './communicator.ts'
import { SharedMemoryError, UsageError } from './errors.ts'
import { invariant } from './invariant.ts'
import { checkSame } from './rank-checks.ts'
import type { MappedBytes, TransportMemory } from './transport-memory.ts'

/** Memory that all members of a communicator see at once, made by {@link Communicator.allocateShared}. */
export interface SharedMemory {
  /** Number of bytes. */
  readonly sizeBytes: number
  /** The bytes. What a member writes is seen by all after they have met, as at a barrier. */
  readonly writable: ArrayBufferLike
  /** The same bytes. Where `isProtected`, a write to them ends the process; else it is the same buffer. */
  readonly readable: ArrayBufferLike
  /** Whether `readable` can't be written. */
  readonly isProtected: boolean
  /**
   * Frees the memory. Collective; a second call returns the promise of the first. Where members are processes both
   * buffers are empty from then on; threads must not use them any more.
   */
  close(): Promise<void>
}

/** What it takes to make memory that members share. */
export interface MemberPlace {
  readonly communicator: Communicator
  /** Absent where the members are threads of one process. */
  readonly memory: TransportMemory | undefined
  /** World rank of member 0. */
  readonly ownerWorldRank: number
  /** Number of a member's node. */
  nodeOf(rank: number): number
  /** Lets rank 0 find one result from the values of all, in rank order; all members get it, or all throw. Called once. */
  decide<T, R>(value: T, find: (values: T[]) => R): Promise<R>
}

/** Makes memory, all 0. Collective over the members. */
export async function allocateSharedMemory(sizeBytes: number, place: MemberPlace): Promise<SharedMemory> {
  const { communicator, memory, decide } = place
  if (memory !== undefined) return allocateBetweenProcesses(sizeBytes, place, memory)
  const buffer = await decide(sizeBytes, (sizes) => allocateBuffer(agreedSize(sizes)))
  return new OpenMemory({ writable: buffer, readable: buffer }, false, () => communicator.barrier())
}

async function allocateBetweenProcesses(
  sizeBytes: number,
  { communicator, nodeOf, decide }: MemberPlace,
  memory: TransportMemory,
): Promise<SharedMemory> {
  let mapped: MappedBytes | undefined
  const handle = await decide(sizeBytes, (sizes) => {
    const size = agreedSize(sizes)
    checkOneNode(sizes.map((_, rank) => nodeOf(rank)))
    if (size > 0) mapped = memory.allocateBytes(size)
    return mapped?.handle
  })
  const meet = (): Promise<void> => communicator.barrier()
  // No file can be mapped of which there is nothing.
  if (sizeBytes === 0) {
    const empty = new ArrayBuffer(0)
    return new OpenMemory({ writable: empty, readable: empty }, false, meet)
  }
  let fault = ''
  try {
    mapped ??= memory.mapBytes(handle)
  } catch (error) {
    fault = (error as Error).message
  }
  const faults = await communicator.allgather(fault)
  const faulty = faults.findIndex((text) => text !== '')
  if (faulty !== -1) {
    mapped?.free()
    throw unreachable(faulty, faults[faulty] ?? '')
  }
  invariant(mapped !== undefined, 'Memory that all members have is mapped by each of them')
  mapped.seal()
  const { free } = mapped
  return new OpenMemory(mapped, true, async () => {
    await meet()
    free()
  })
}

class OpenMemory implements SharedMemory {
  readonly sizeBytes: number
  readonly writable: ArrayBufferLike
  readonly readable: ArrayBufferLike
  readonly isProtected: boolean
  readonly #free: () => Promise<void>
  #closing: Promise<void> | undefined

  /** @param free - Collective: meets the other members, then lets go of the buffers. */
  constructor(
    { writable, readable }: { readonly writable: ArrayBufferLike; readonly readable: ArrayBufferLike },
    isProtected: boolean,
    free: () => Promise<void>,
  ) {
    this.sizeBytes = writable.byteLength
    this.writable = writable
    this.readable = readable
    this.isProtected = isProtected
    this.#free = free
  }

  close(): Promise<void> {
    this.#closing ??= this.#free()
    return this.#closing
  }
}

function agreedSize(sizes: readonly number[]): number {
  const [size = 0] = sizes
  checkSame('allocateShared got the sizes', sizes)
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new UsageError(`sizeBytes is ${size}, but has to be a number of bytes, 0 or more.`)
  }
  return size
}

function checkOneNode(nodes: readonly number[]): void {
  const [first] = nodes
  const other = nodes.findIndex((node) => node !== first)
  if (other === -1) return
  throw new UsageError(
    `Ranks 0 and ${other} of this communicator are on different nodes and share no memory. splitByNode() makes communicators of ranks that do.`,
    { details: { nodes } },
  )
}

function allocateBuffer(sizeBytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(sizeBytes)
  } catch (error) {
    throw new SharedMemoryError(
      `${sizeBytes} bytes of shared memory could not be had: ${(error as Error).message}. Use less, or a machine with more memory.`,
      { cause: error, details: { sizeBytes } },
    )
  }
}

function unreachable(rank: number, fault: string): SharedMemoryError {
  return new SharedMemoryError(
    `Rank ${rank} of this communicator can't share memory with the others of its node: ${fault}. That is so behind the walls of containers: start the ranks of a node in one container, or as threads.`,
    { details: { rank } },
  )
}
