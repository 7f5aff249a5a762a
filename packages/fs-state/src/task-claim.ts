/**
 * Claims and re-opens tasks on disk: reads what a task is, decides, and tries to append the next event, again until
 * it is won or there is nothing to be won.
 */
import type { ClaimableStates, ClaimOutcome, TerminalState } from '@mpibatch/batch-core'
import type { Appender } from './append.ts'
import type { TaskEvent } from './event.ts'
import type { Verdict } from './owners.ts'
import { eventPath, statePath } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { readEventText, readTask, type TaskReading } from './task-chain.ts'
import { invalidFault } from './task-view.ts'

/** Rounds after which a task that changes all the time is left to the others. */
export const ROUNDS_MAX = 64

/** A task that has just become FAILED because its owners kept dying. */
export interface CrashedTask {
  /** Slot of the last dead owner's claim. */
  readonly slot: number
  /** How many times it has been claimed. */
  readonly attempt: number
  /** How many owners died on it in a row. */
  readonly deaths: number
}

/** A task that is to be claimed. */
export interface ClaimRequest {
  readonly taskIndex: number
  readonly directory: string
  /** Highest slot known to be taken. */
  readonly lastSeen: number
  readonly from: ClaimableStates
  /** The directory was made by this call: there is nothing to be read in it. */
  readonly isNew: boolean
  /** Puts on record that the task is about to be opened again, in this slot. */
  readonly beforeReopen: (slot: number) => Promise<void>
  /** Puts on record that the task is about to be FAILED because of its owners' deaths. */
  readonly beforeCrash: (task: CrashedTask) => void
}

/** What to do about a task that was read. */
type Decision =
  | { readonly kind: 'claim' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'roll-forward' }
  | { readonly kind: 'crash'; readonly deaths: number }
  | { readonly kind: 'leave'; readonly outcome: ClaimOutcome }

/** Tries to claim a task. */
export async function claimTask(session: StoreSession, request: ClaimRequest): Promise<ClaimOutcome> {
  const { files, appender } = session
  const { directory, taskIndex, beforeReopen, beforeCrash } = request
  let { lastSeen, from } = request
  let reading = request.isNew ? EMPTY : readTask(files, directory, lastSeen)
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    lastSeen = Math.max(lastSeen, reading.slot)
    const decision = await decide(session, reading, { ...request, from, lastSeen })
    if (decision.kind === 'leave') return decision.outcome
    const slot = lastSeen + 1
    switch (decision.kind) {
      case 'roll-forward':
        lastSeen = Math.max(lastSeen, await appender.rollForward(directory, reading.events))
        break
      case 'reopen':
        await beforeReopen(slot)
        await appender.append({ directory, slot, kind: 'OPEN', sync: true })
        // Whoever ends it from now on has run it again, as was asked for.
        from = { ...from, rerun: false }
        lastSeen = slot
        break
      case 'crash':
        beforeCrash({ slot: lastSeen, attempt: reading.claimCount, deaths: decision.deaths })
        await appender.append({ directory, slot, kind: 'FAILED' })
        // What has just failed for good is not what a retry was asked for.
        from = { ...from, retryFailed: false }
        lastSeen = slot
        break
      case 'claim': {
        const tried = await appendClaim(appender, directory, slot)
        if (tried.won) {
          const attempt = reading.claimCount + 1 + tried.slot - slot
          return { kind: 'claimed', slot: tried.slot, claim: { taskIndex, slot: tried.slot, attempt } }
        }
        lastSeen = tried.slot
      }
    }
    reading = readTask(files, directory, lastSeen)
  }
  return { kind: 'elsewhere', slot: lastSeen, owner: 'unknown' }
}

const EMPTY: TaskReading = {
  view: { kind: 'open' },
  state: { kind: 'word', state: 'OPEN' },
  events: [],
  slot: 0,
  claimCount: 0,
}

/**
 * Appends a claim. Where the slot was won but its payload was destroyed, a successor may have been at work, so the
 * next slot tells who has the task.
 */
async function appendClaim(
  appender: Appender,
  directory: string,
  first: number,
): Promise<{ readonly won: boolean; readonly slot: number }> {
  for (let slot = first; ; slot += 1) {
    const outcome = await appender.append({ directory, slot, kind: 'CLAIM' })
    if (outcome.kind === 'lost') return { won: false, slot }
    if (outcome.renamed) return { won: true, slot }
  }
}

async function decide(session: StoreSession, reading: TaskReading, request: ClaimRequest): Promise<Decision> {
  const { directory, from, lastSeen: slot } = request
  const { view } = reading
  const elsewhere = (owner: string): Decision => ({
    kind: 'leave',
    outcome: { kind: 'elsewhere', slot, owner },
  })
  switch (view.kind) {
    case 'open':
      return { kind: 'claim' }
    case 'settled':
      return await decideSettled(session, reading, { state: view.state, request })
    case 'invalid':
      return {
        kind: 'leave',
        outcome: { kind: 'invalid', slot, reason: invalidFault(statePath(directory), view.reason) },
      }
    case 'foreign':
      return from.stealRunning === true ? { kind: 'claim' } : elsewhere(view.kind)
    case 'unknown': {
      const abandoned = judgeUnreadable(session, directory, view.slot).dead
      return abandoned || from.stealRunning === true ? { kind: 'claim' } : elsewhere(view.kind)
    }
    case 'claimed': {
      const { dead } = await session.owners.judge(view.owner)
      const deaths = dead ? deathsInARow(reading.events) : 0
      if (deaths >= session.ticket.crashLimit) return { kind: 'crash', deaths }
      const steal = from.stealRunning === true && view.owner !== session.instance
      return dead || steal ? { kind: 'claim' } : elsewhere(view.owner)
    }
    case 'ending': {
      const { dead } = await session.owners.judge(view.owner)
      return dead ? { kind: 'roll-forward' } : elsewhere(view.owner)
    }
  }
}

/** Judges whoever made an event that can't be read. */
export function judgeUnreadable({ files, owners }: StoreSession, directory: string, slot: number): Verdict {
  const path = eventPath(directory, slot)
  return owners.judgeUnreadable(path, () => readEventText(files, path) ?? '')
}

async function decideSettled(
  session: StoreSession,
  reading: TaskReading,
  { state, request }: { readonly state: TerminalState; readonly request: ClaimRequest },
): Promise<Decision> {
  const { directory, from, lastSeen: slot } = request
  const wanted = state === 'DONE' ? from.rerun : from.retryFailed
  if (wanted !== true) return { kind: 'leave', outcome: { kind: 'settled', slot, state } }
  const owner = await livingClaimant(session, directory, reading.events)
  if (owner !== undefined) return { kind: 'leave', outcome: { kind: 'elsewhere', slot, owner } }
  return { kind: state === 'DONE' ? 'reopen' : 'claim' }
}

/**
 * Who has an ended task nevertheless, if anybody does: a word over a living claim was written by another program, or is
 * an old one in a cache.
 */
export async function livingClaimant(
  session: StoreSession,
  directory: string,
  events: readonly TaskEvent[],
): Promise<string | undefined> {
  const last = events.at(-1)
  if (last === undefined) return undefined
  const { content, slot } = last
  if (content === undefined) return judgeUnreadable(session, directory, slot).dead ? undefined : 'unknown'
  if (content.kind !== 'CLAIM' || (await session.owners.judge(content.instance)).dead) return undefined
  return content.instance
}

/** Number of instances whose claims stand one behind the other at the end of the chain: all but the last died. */
export function deathsInARow(events: readonly TaskEvent[]): number {
  const owners = new Set<string>()
  for (const { content } of [...events].reverse()) {
    if (content?.kind !== 'CLAIM') break
    owners.add(content.instance)
  }
  return owners.size
}
