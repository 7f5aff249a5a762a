/** How a map fails, as plain data that reaches every rank. */
import { hostname } from 'node:os'
import { inspect } from 'node:util'
import { RankLostError, WorkError } from './errors.ts'

/** A function of the user's threw. */
interface WorkFailure {
  readonly phase: 'work' | 'reduce'
  /** Index of the item. */
  readonly index: number
  /** Rank on which it threw, and the name of its host. */
  readonly rank: number
  readonly host: string
  /** What was thrown, as texts: the thing itself may not fit in a message. */
  readonly name: string
  readonly message: string
  /** Its stack, with what belongs to it: codes, causes. */
  readonly text: string
}

/** Why a map fails: a function threw, or ranks ended in the middle of it. */
export type MapFault = { readonly work: WorkFailure } | { readonly lost: readonly number[] }

/** All that went wrong in a map, as far as one rank knows. */
export class MapFaults {
  readonly #rank: number
  readonly #faults: MapFault[] = []
  /** What was thrown here, with what was made of it. */
  readonly #thrown: { readonly failure: WorkFailure; readonly thrown: unknown }[] = []

  constructor(rank: number) {
    this.#rank = rank
  }

  /** The one that counts: a lost rank, since others may fail for it; else the failure of the first item. */
  get first(): MapFault | undefined {
    const [first] = [...this.#faults].sort((one, other) => placeOf(one) - placeOf(other))
    return first
  }

  /** Notes what another rank tells. */
  add(fault: MapFault): MapFault {
    this.#faults.push(fault)
    return fault
  }

  /** Notes what was thrown here: by a function of the user's, or because a rank was lost. */
  addThrown(thrown: unknown, place: Pick<WorkFailure, 'phase' | 'index'>): MapFault {
    if (thrown instanceof RankLostError) return this.addLoss(thrown)
    const failure = describe(thrown, { ...place, rank: this.#rank })
    this.#thrown.push({ failure, thrown })
    return this.add({ work: failure })
  }

  /** Notes that a rank was lost. */
  addLoss({ details }: RankLostError): MapFault {
    return this.add({ lost: Array.isArray(details.worldRanks) ? details.worldRanks : [] })
  }

  /** Makes the error with which the map fails. Where the thing was thrown, that is its cause. */
  errorOf(fault: MapFault): WorkError | RankLostError {
    if ('lost' in fault) return lostError(fault.lost)
    const { phase, index, rank } = fault.work
    const own = this.#thrown.find(
      ({ failure }) => failure.phase === phase && failure.index === index && failure.rank === rank,
    )
    return workError(fault.work, own === undefined ? causeOf(fault.work) : own.thrown)
  }
}

function placeOf(fault: MapFault): number {
  return 'lost' in fault ? Number.NEGATIVE_INFINITY : fault.work.index
}

/** Describes what was thrown on this rank. Never throws. */
function describe(thrown: unknown, place: Pick<WorkFailure, 'phase' | 'index' | 'rank'>): WorkFailure {
  const isError = thrown instanceof Error
  return {
    ...place,
    host: hostname(),
    name: textOf(() => (isError ? thrown.name : 'Error')),
    message: textOf(() => (isError ? thrown.message : inspect(thrown))),
    text: textOf(() => inspect(thrown)),
  }
}

function workError({ phase, index, rank, host, text }: WorkFailure, cause: unknown): WorkError {
  const what = phase === 'work' ? 'The work on' : 'The reduce of'
  return new WorkError(
    `${what} item ${index} failed on rank ${rank} (${host}), so the map was stopped. Mend what this shows, or catch it there:\n${text}`,
    { cause, details: { phase, index, rank, host } },
  )
}

function lostError(worldRanks: readonly number[]): RankLostError {
  const who =
    worldRanks.length === 0
      ? 'A rank'
      : `${worldRanks.length === 1 ? 'Rank' : 'Ranks'} ${worldRanks.join(', ')}`
  return new RankLostError(
    `${who} ended in the middle of a map, so its results can't be completed. Look at what was reported there.`,
    { details: { worldRanks } },
  )
}

function causeOf({ name, message, text }: WorkFailure): Error {
  const cause = new Error(message)
  cause.name = name
  cause.stack = text
  return cause
}

/** Getters and methods of what users throw may throw themselves. */
function textOf(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return 'an error that throws when it is looked at'
  }
}
