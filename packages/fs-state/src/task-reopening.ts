/** Opens tasks again that have ended, or that somebody runs: what `retry`, `recover` and `rerun` do. */
import { type StoredState, taskNameFault } from '@mpibatch/batch-core'
import { taskDirectory } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { readState, readTask, type TaskReading } from './task-chain.ts'
import { judgeUnreadable, livingClaimant, ROUNDS_MAX } from './task-claim.ts'

/** Which tasks are opened. */
export interface ReopenOptions {
  /**
   * `failed`: FAILED ones · `dead`: RUNNING ones whose owner is dead · `running`: RUNNING ones, whoever their owner
   * is · `any`: all of them but those that a living owner runs.
   */
  readonly from: 'failed' | 'dead' | 'running' | 'any'
  /** With `any`: also those that a living owner runs; its results are then discarded. @defaultValue false */
  readonly force?: boolean
}

/** What became of a task that was to be opened. */
export interface ReopenResult {
  /** Whether the task was changed. */
  readonly changed: boolean
  /** What its `state` said before; `ABSENT` if it has none. */
  readonly before: StoredState | 'INVALID' | 'ABSENT'
  /** Why it was not changed, or why it is not OPEN, as a part of a sentence. */
  readonly reason?: string
}

type Decision = 'open' | 'roll-forward' | { readonly reason: string }

/**
 * Opens a task again, if it is one that is wanted.
 *
 * @throws {@link StateIoError}
 */
export async function reopenTask(
  session: StoreSession,
  name: string,
  options: ReopenOptions,
): Promise<ReopenResult> {
  const fault = taskNameFault(name)
  if (fault !== undefined) return { changed: false, before: 'ABSENT', reason: `its name ${fault}` }
  const { files, appender, records, sync } = session
  const directory = taskDirectory(session.root, name)
  const before = stateBefore(session, directory)
  let lastSeen = 0
  let completed = false
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const reading = readTask(files, directory, lastSeen)
    const decision = await decide(session, directory, reading, options)
    if (typeof decision === 'object') return { changed: completed, before, reason: decision.reason }
    if (decision === 'roll-forward') {
      lastSeen = await appender.rollForward(directory, reading.events)
      completed = true
      continue
    }
    lastSeen = reading.slot + 1
    await records.reopening(name, lastSeen, { sync })
    const outcome = await appender.append({ directory, slot: lastSeen, kind: 'OPEN', sync: true })
    if (outcome.kind === 'won') return { changed: true, before }
  }
  return { changed: completed, before, reason: 'others change it all the time' }
}

function stateBefore({ files }: StoreSession, directory: string): ReopenResult['before'] {
  const state = readState(files, directory)
  if (state.kind === 'word') return state.state
  return state.kind === 'absent' ? 'ABSENT' : 'INVALID'
}

async function decide(
  session: StoreSession,
  directory: string,
  { view, events }: TaskReading,
  options: ReopenOptions,
): Promise<Decision> {
  const { from, force = false } = options
  const takesLiving = from === 'running' || (from === 'any' && force)
  switch (view.kind) {
    case 'open':
      return { reason: 'it is OPEN already' }
    case 'invalid':
      return { reason: `its state file ${view.reason}` }
    case 'settled': {
      const wanted = from === 'any' || (from === 'failed' && view.state === 'FAILED')
      if (!wanted) return { reason: `it is ${view.state}` }
      const owner = takesLiving ? undefined : await livingClaimant(session, directory, events)
      if (owner === undefined) return 'open'
      const who = owner === 'unknown' ? 'somebody' : `instance ${owner}`
      return { reason: `${who} runs it and may be alive, although its state says ${view.state}` }
    }
    case 'unknown':
      if (from !== 'failed' && judgeUnreadable(session, directory, view.slot).dead) return 'open'
      if (takesLiving) return 'open'
      return { reason: 'it runs, and whether its owner lives can not be told' }
    case 'foreign':
      if (takesLiving) return 'open'
      return { reason: 'it runs, and whether its owner lives can not be told' }
    case 'claimed':
    case 'ending': {
      if (from === 'failed') return { reason: 'it is RUNNING' }
      const { dead, fault } = await session.owners.judge(view.owner)
      if (!dead)
        return takesLiving ? 'open' : { reason: fault ?? `instance ${view.owner} runs it and is alive` }
      return view.kind === 'ending' ? 'roll-forward' : 'open'
    }
  }
}
