/**
 * What a task's `state` file and its last event say together (pure).
 *
 * `state` is only a view of the chain of events, and it may lag by one step: an event is made before the state that
 * it wants is renamed into place. On the other hand programs that make no events, pshmem above all, write `state`
 * alone. So DONE is believed in any case, and another word where no event contradicts it.
 */
import type { TerminalState } from '@mpibatch/batch-core'
import type { TaskEvent } from './event.ts'
import type { StateReading } from './state-file.ts'

/** See the top of this file. */
export type TaskView =
  /** Free: no claim stands. */
  | { readonly kind: 'open' }
  /** Ended, as `state` says or as the result that stands although somebody wrote OPEN over it (`overwritten`). */
  | { readonly kind: 'settled'; readonly state: TerminalState; readonly overwritten: boolean }
  /** Claimed by `owner`, an instance. */
  | { readonly kind: 'claimed'; readonly owner: string; readonly slot: number }
  /** Ended by `owner`, but `state` does not say so yet. */
  | { readonly kind: 'ending'; readonly owner: string; readonly slot: number; readonly state: TerminalState }
  /** RUNNING, by a program that makes no claims. */
  | { readonly kind: 'foreign' }
  /** Its last event can't be read, so nobody knows whose it is. */
  | { readonly kind: 'unknown'; readonly slot: number }
  /** Its `state` can't be understood; `reason` ends a sentence that begins with the file. */
  | { readonly kind: 'invalid'; readonly reason: string }

/**
 * Judges a task.
 *
 * @param state - What its `state` file says.
 * @param last - Its last event, if it has any.
 * @param isPending - Tells whether the payload of that event still waits to be renamed to `state`.
 */
export function judgeTask(
  state: StateReading,
  last: TaskEvent | undefined,
  isPending: () => boolean,
): TaskView {
  if (state.kind === 'invalid') return { kind: 'invalid', reason: state.reason }
  if (state.kind === 'word' && state.state === 'DONE') return settled('DONE')
  if (last === undefined) return judgeWithoutEvents(state)
  const { content, slot } = last
  if (content === undefined) return { kind: 'unknown', slot }
  const word = state.kind === 'word' ? state.state : undefined
  const claimed: TaskView = { kind: 'claimed', owner: content.instance, slot }
  switch (content.kind) {
    case 'CLAIM':
      // FAILED that is not about to give way to this claim's RUNNING was written over it by another program.
      return word === 'FAILED' && !isPending() ? settled('FAILED') : claimed
    case 'OPEN':
      // The same for RUNNING after the task was opened.
      return word === 'RUNNING' && !isPending() ? { kind: 'foreign' } : { kind: 'open' }
    case 'DONE':
    case 'FAILED':
      if (word === content.kind) return settled(content.kind)
      if (word === 'OPEN' && !isPending()) return { kind: 'settled', state: content.kind, overwritten: true }
      return { kind: 'ending', owner: content.instance, slot, state: content.kind }
  }
}

function judgeWithoutEvents(state: Exclude<StateReading, { kind: 'invalid' }>): TaskView {
  switch (state.kind) {
    case 'absent':
    case 'empty':
      // Empty is what a power cut leaves of a state whose text and events had not been synced: nothing was reported.
      return { kind: 'open' }
    case 'word':
      if (state.state === 'RUNNING') return { kind: 'foreign' }
      return state.state === 'OPEN' ? { kind: 'open' } : settled(state.state)
  }
}

function settled(state: TerminalState): TaskView {
  return { kind: 'settled', state, overwritten: false }
}

/** A sentence about a `state` file that can't be understood. */
export function invalidFault(path: string, reason: string): string {
  return `${path} ${reason}. The task is left alone; write OPEN, DONE or FAILED and a newline into a new file of that name to mend it.`
}
