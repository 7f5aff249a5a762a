/**
 * Opens the store of a batch on all of its ranks. Where the ranks share a process they are one instance; else every
 * rank that leads a worker group is an instance of its own, so that its life can be judged alone.
 */
import type { Communicator } from './communicator.ts'
import { decodeError, type EncodedError, encodeError } from './errors.ts'
import { invariant } from './invariant.ts'
import type {
  LoadedStates,
  PlannedTasks,
  StateStore,
  StateStoreProvider,
  StoreTicket,
} from './state-store.ts'

/** What {@link openStore} needs. */
export interface OpenStoreOptions {
  readonly provider: StateStoreProvider
  readonly tasks: PlannedTasks
  /** This rank's worker group, whose rank 0 leads it. */
  readonly group: Communicator
  /** Number of this rank for people, who may know the ranks in another order. */
  readonly rank: number
}

/** The store as one rank opened it. */
export interface OpenedStore {
  readonly store: StateStore
  /** On rank 0 of the communicator. */
  readonly loaded: LoadedStates | undefined
}

/** How a step went on a rank, for the others. */
type Outcome<T> = { readonly value: T } | { readonly failure: EncodedError; readonly rank: number }

/**
 * Rank 0 opens the store. Threads attach to it; in other processes the leaders join it, and the members of a group
 * attach to what their leader has. Then rank 0 loads the states: last, because whoever joins buries what died on its
 * machine. If one can't, no rank goes on. Collective.
 *
 * @throws What the store threw; on the ranks that could have gone on the same, with the rank named in front.
 */
export async function openStore(world: Communicator, options: OpenStoreOptions): Promise<OpenedStore> {
  const { provider, tasks, group } = options
  const { rank, sharesProcess } = world
  const ranks = { world, rank: options.rank }
  let store: StateStore | undefined
  let loaded: LoadedStates | undefined
  try {
    let ticket = await fromRankZero(ranks, async (): Promise<StoreTicket> => {
      store = await provider.open(tasks)
      return sharesProcess ? store.ticket : store.portableTicket
    })
    if (!sharesProcess) {
      await onAllRanks(ranks, async () => {
        if (rank > 0 && group.rank === 0) store = await provider.join(ticket, tasks)
      })
      ticket = await group.broadcast(store?.portableTicket)
    }
    await onAllRanks(ranks, async () => {
      store ??= await provider.attach(ticket, tasks, rank)
    })
    await fromRankZero(ranks, async () => {
      loaded = await store?.load()
    })
  } catch (error) {
    // The first error is the one to report.
    await store?.close().catch(() => undefined)
    throw error
  }
  invariant(store !== undefined, 'A rank opened no store')
  return { store, loaded }
}

/** All ranks, and the number of this one for people. */
interface Ranks {
  readonly world: Communicator
  readonly rank: number
}

/** Stands where rank 0's outcome comes to. */
const NOT_YET = { failure: encodeError(''), rank: 0 }

/** Lets rank 0 act and gives all ranks what came of it. Collective. */
async function fromRankZero<T>(ranks: Ranks, act: () => Promise<T>): Promise<T> {
  const { world } = ranks
  if (world.rank === 0) {
    const { outcome, reason } = await attempt(ranks, act)
    await world.broadcast<Outcome<T>>(outcome)
    if ('failure' in outcome) throw reason
    return outcome.value
  }
  const outcome = await world.broadcast<Outcome<T>>(NOT_YET)
  if ('failure' in outcome) throw failed(outcome)
  return outcome.value
}

/** Lets all ranks act; if one fails, all fail. Collective. */
async function onAllRanks(ranks: Ranks, act: () => Promise<void>): Promise<void> {
  const { outcome, reason } = await attempt(ranks, act)
  const outcomes = await ranks.world.allgather<Outcome<void>>(outcome)
  if ('failure' in outcome) throw reason
  for (const other of outcomes) if ('failure' in other) throw failed(other)
}

async function attempt<T>(
  { rank }: Ranks,
  act: () => Promise<T>,
): Promise<{ outcome: Outcome<T>; reason?: unknown }> {
  try {
    return { outcome: { value: await act() } }
  } catch (reason) {
    return { outcome: { failure: encodeError(reason), rank }, reason }
  }
}

function failed({ failure, rank }: { readonly failure: EncodedError; readonly rank: number }): Error {
  return decodeError({ ...failure, message: `Rank ${rank} could not open the batch: ${failure.message}` })
}
