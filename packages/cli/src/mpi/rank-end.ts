/**
 * How the ranks of a run come to their end together, whatever happened on each: either all meet and rank 0 says what
 * went wrong, or, where some can't come any more, the rank that failed says so itself and ends the job.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Communicator, encodeError } from '@mpibatch/batch-core'
import type { MpiJob } from '@mpibatch/native-mpi'
import { exitCodeFor } from '../error-exit-code.ts'

/** Why a rank failed, as plain data. */
export interface RankFailure {
  /** What to tell a person. */
  readonly message: string
  /** Of an error of ours, `ERR_MPIBATCH_…`; empty for others. */
  readonly code: string
  readonly exitCode: number
}

/** Says why a rank failed. */
export function rankFailure(error: unknown): RankFailure {
  const { message, code } = encodeError(error)
  return { message, code, exitCode: exitCodeFor(error) }
}

/** Whether a rank failed only because another one, or MPI, was lost: to start again may help then. */
export function isLoss({ code }: RankFailure): boolean {
  return LOSS_CODES.has(code)
}

const LOSS_CODES: ReadonlySet<string> = new Set(['ERR_MPIBATCH_MPI', 'ERR_MPIBATCH_RANK_LOST'])

/** How long a rank that failed waits for the others, milliseconds. They mostly failed with it, or never come. */
const MEETING_MS = 1000

/** What {@link meetAtEnd} needs. */
export interface MeetingOptions {
  readonly job: MpiJob
  /** Of all ranks, used for nothing else. */
  readonly communicator: Communicator
  /** Why this rank failed; `undefined` if it did not. */
  readonly failure: RankFailure | undefined
  /** What is wrong if the others don't come, because this rank left them; `undefined` if it has done its part. */
  readonly leaving?: RankFailure | undefined
  /** Says something to a person; each rank for itself. */
  readonly say: (text: string) => void
  /** Called before the job is ended without the others. */
  readonly beforeAbort: (exitCode: number) => void
}

/**
 * Waits until all ranks have come to their end, for ever if this one has done its part. Collective.
 *
 * @returns The failure that counts on rank 0, which has been told to a person; that of rank 0 if it failed itself.
 *   `undefined` if no rank has failed, and on other ranks.
 */
export async function meetAtEnd(options: MeetingOptions): Promise<RankFailure | undefined> {
  const { job, communicator, failure, say } = options
  const fault = failure ?? options.leaving
  const meeting = communicator.allgather(failure)
  const late = new AbortController()
  const ends =
    fault === undefined
      ? await meeting
      : await Promise.race([
          meeting,
          pause(MEETING_MS, undefined, { signal: late.signal }).catch(() => undefined),
        ])
  late.abort()
  if (ends === undefined && fault !== undefined) {
    say(fault.message)
    options.beforeAbort(fault.exitCode)
    job.abort(fault.exitCode)
  }
  if (communicator.rank > 0 || ends === undefined) return undefined
  const told = failuresToTell(ends)
  for (const { rank, message } of told) say(rank === 0 ? message : `rank ${rank}: ${message}`)
  return told[0]
}

/**
 * The failures that a person is told of (pure), in the order of the ranks: each text once, also where another rank
 * quotes it, and that a rank was lost only where nothing else is known.
 */
export function failuresToTell(
  ends: readonly (RankFailure | undefined)[],
): readonly (RankFailure & { readonly rank: number })[] {
  const all = ends.flatMap((failure, rank) => (failure === undefined ? [] : [{ ...failure, rank }]))
  const own = all.filter((failure) => !isLoss(failure))
  const told: (RankFailure & { readonly rank: number })[] = []
  for (const failure of own.length > 0 ? own : all) {
    if (!told.some(({ message }) => failure.message.includes(message))) told.push(failure)
  }
  return told
}
