/** What will happen next to a task (pure): what `task-claim.ts` is going to do about it, told beforehand. */
import type { TerminalState } from '@mpibatch/batch-core'
import type { JobState } from './job-states.ts'
import { isDeadBySight, type OwnerSight } from './owner-sight.ts'
import type { TaskView } from './task-view.ts'

/** What is known of the owner of a task that is claimed or ending. */
export interface OutlookOwner {
  readonly sight: OwnerSight
  /** What a job scheduler says of its job, if it is in one. */
  readonly job?: JobState
  /** Silence after which it is dead, milliseconds. */
  readonly deadAfterMs: number
  /** Silence after which it is dead if its job has ended, milliseconds. */
  readonly deadAfterJobMs: number
}

/** See the top of this file. */
export type TaskOutlook =
  /** The next run, or one that is at work, starts it. */
  | { readonly action: 'start' }
  /** Nothing: it has ended. */
  | { readonly action: 'ended'; readonly state: TerminalState }
  /** Nothing: its `state`, or its directory, can't be understood. */
  | { readonly action: 'mend' }
  /** Its owner runs it. */
  | { readonly action: 'running' }
  /** Its owner is writing how it ended. */
  | { readonly action: 'ending'; readonly state: TerminalState }
  /** The next run takes it over at once. */
  | { readonly action: 'take-over' }
  /** The next run makes it FAILED, because so many owners in a row have died on it. */
  | { readonly action: 'give-up'; readonly deaths: number }
  /** The next run completes its result; it does not run again. */
  | { readonly action: 'complete'; readonly state: TerminalState }
  /** A run takes it over, or completes it, when its owner has been silent for so long. */
  | { readonly action: 'wait-for-silence'; readonly deadAfterMs: number }
  /** Left alone until somebody takes it by force. */
  | { readonly action: 'left-alone' }

/**
 * Tells what will happen next.
 *
 * @param owner - The owner, where the view names one.
 * @param deaths - Owners that have died on it in a row if its owner is dead.
 * @param crashLimit - Deaths in a row after which a task becomes FAILED.
 */
export function foresee(
  view: TaskView,
  context: { readonly owner: OutlookOwner | undefined; readonly deaths: number; readonly crashLimit: number },
): TaskOutlook {
  const { owner, deaths, crashLimit } = context
  switch (view.kind) {
    case 'open':
      return { action: 'start' }
    case 'settled':
      return { action: 'ended', state: view.state }
    case 'invalid':
      return { action: 'mend' }
    case 'foreign':
    case 'unknown':
      return { action: 'left-alone' }
    case 'claimed':
    case 'ending': {
      if (owner === undefined || owner.sight === 'unregistered') return { action: 'left-alone' }
      if (isDeadBySight(owner.sight)) {
        if (view.kind === 'ending') return { action: 'complete', state: view.state }
        return deaths >= crashLimit ? { action: 'give-up', deaths } : { action: 'take-over' }
      }
      if (owner.sight === 'process-runs')
        return view.kind === 'ending' ? { action: 'ending', state: view.state } : { action: 'running' }
      const deadAfterMs = owner.job === 'ended' ? owner.deadAfterJobMs : owner.deadAfterMs
      return { action: 'wait-for-silence', deadAfterMs }
    }
  }
}
