/**
 * Makes windows for members that are processes: in memory that they share where they are on one node, else in memory
 * of member 0, which its process serves to the other nodes.
 */
import type { Communicator } from './communicator.ts'
import { invariant } from './invariant.ts'
import { ServedWindow } from './served-window.ts'
import type { SharedWindow } from './shared-window.ts'
import { SharedWordsWindow } from './shared-words-window.ts'
import type { MappedWords, RemoteWords, TransportMemory } from './transport-memory.ts'

/** What {@link createProcessWindow} needs. */
export interface ProcessWindowOptions {
  /** Number of Int32 words, equal on all members. */
  readonly length: number
  /** The members; nothing else of theirs is under way. */
  readonly communicator: Communicator
  readonly memory: TransportMemory
  /** Whether this member is on the node of member 0. */
  readonly isNearOwner: boolean
  /** World rank of member 0. */
  readonly ownerWorldRank: number
}

/** Where member 0 has made the words. */
interface Place {
  readonly handle: unknown
  readonly window: number
}

/** Makes a window. Collective. */
export async function createProcessWindow(options: ProcessWindowOptions): Promise<SharedWindow> {
  const { length, communicator, memory, isNearOwner, ownerWorldRank } = options
  const isOwner = communicator.rank === 0
  const own = isOwner ? memory.allocate(length) : undefined
  const made = own && { handle: own.handle, window: memory.serve(own) }
  const place = await communicator.broadcast<Place | undefined>(made)
  invariant(place !== undefined, 'Member 0 of a window told nobody where it is')
  const mapped = own ?? (isNearOwner ? tryToMap(memory, place.handle) : undefined)
  const areAllMapped = (await communicator.allgather(mapped !== undefined)).every((isMapped) => isMapped)
  const meet = (): Promise<void> => communicator.barrier()
  const free = async (): Promise<void> => {
    await meet()
    if (isOwner) memory.stopServing(place.window)
    mapped?.free()
  }
  if (areAllMapped && mapped !== undefined) {
    if (isOwner) memory.stopServing(place.window)
    const freeMapped = async (): Promise<void> => {
      await meet()
      mapped.free()
    }
    return new SharedWordsWindow(mapped.words, freeMapped, mapped.parking)
  }
  const remote = mapped === undefined ? memory.remote(ownerWorldRank, place.window) : nearWords(mapped)
  return new ServedWindow(length, remote, free)
}

function tryToMap(memory: TransportMemory, handle: unknown): MappedWords | undefined {
  try {
    return memory.map(handle)
  } catch {
    // As behind the walls of a container: the owner's process serves it then as to another node.
    return undefined
  }
}

/** On the owner's node nobody needs to be asked. */
function nearWords({ words }: MappedWords): RemoteWords {
  const direct = new SharedWordsWindow(words, () => Promise.resolve())
  return {
    operate: async (operation, index, { value, expected }) => {
      if (operation === 'load') return await direct.load(index)
      if (operation === 'compareExchange') return await direct.compareExchange(index, expected, value)
      if (operation !== 'store') return await direct[operation](index, value)
      await direct.store(index, value)
      return 0
    },
    read: (index, count) => direct.read(index, count),
    write: (index, values) => direct.write(index, values),
    accumulate: (index, values) => direct.accumulate(index, values),
  }
}
