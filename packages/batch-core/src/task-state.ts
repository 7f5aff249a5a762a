/**
 * Task states and the transitions between them (pure).
 *
 * The words are pshmem's, byte for byte, because both programs read each other's `state` files.
 * The rules are written out in `docs/task-states.md`.
 */

/** What a task's `state` file can say, and `INVALID` for a task whose state is unknown. */
export type TaskState = 'OPEN' | 'RUNNING' | 'DONE' | 'FAILED' | 'INVALID'

/**
 * State of a task as one batch sees it: a {@link TaskState}, or `ELSEWHERE` for a task that another batch instance
 * runs. `ELSEWHERE` is never written to disk; there the state is `RUNNING`.
 */
export type TableState = TaskState | 'ELSEWHERE'

/** All table states in the order of their codes; the code of a state is its index here (3 bits). */
export const TABLE_STATES = ['OPEN', 'RUNNING', 'DONE', 'FAILED', 'INVALID', 'ELSEWHERE'] as const

/** Codes of the table states, as they stand in the low three bits of a task table's entry. */
export const STATE_CODE: Readonly<Record<TableState, number>> = {
  OPEN: 0,
  RUNNING: 1,
  DONE: 2,
  FAILED: 3,
  INVALID: 4,
  ELSEWHERE: 5,
}

/** The states that are stored on disk. */
export const STORED_STATES = ['OPEN', 'RUNNING', 'DONE', 'FAILED'] as const

/** A state that is stored on disk. */
export type StoredState = (typeof STORED_STATES)[number]

/** The states in which a task has ended. */
export type TerminalState = 'DONE' | 'FAILED'

/** Tells whether a task in this state has ended. */
export function isTerminal(state: TableState): state is TerminalState {
  return state === 'DONE' || state === 'FAILED'
}

/** Tells whether a word is one of the four stored states. */
export function isStoredState(word: string): word is StoredState {
  return (STORED_STATES as readonly string[]).includes(word)
}

/** Which states other than `OPEN` a claim may start from; pshmem's `ignore_failed`, `ignore_done`, `ignore_running`. */
export interface ClaimableStates {
  /** Also claim FAILED tasks. @defaultValue false */
  readonly retryFailed?: boolean
  /** Also claim DONE tasks. @defaultValue false */
  readonly rerun?: boolean
  /** Also claim tasks that somebody else runs, whether that somebody lives or not. @defaultValue false */
  readonly stealRunning?: boolean
}

/** Tells whether a task that is not ours may be claimed from this state. */
export function isClaimable(state: TableState, allowed: ClaimableStates = {}): boolean {
  switch (state) {
    case 'OPEN':
      return true
    case 'FAILED':
      return allowed.retryFailed === true
    case 'DONE':
      return allowed.rerun === true
    case 'ELSEWHERE':
      return allowed.stealRunning === true
    case 'RUNNING':
    case 'INVALID':
      return false
  }
}

const LEGAL: Readonly<Record<StoredState, readonly StoredState[]>> = {
  OPEN: ['RUNNING'],
  // RUNNING to RUNNING is a take-over: the owner died, or its claim was stolen on request.
  RUNNING: ['DONE', 'FAILED', 'OPEN', 'RUNNING'],
  // A failed task is claimed again directly when retries are asked for.
  FAILED: ['OPEN', 'RUNNING'],
  // A finished task is first opened again, on record, and only then claimed.
  DONE: ['OPEN'],
}

/** Tells whether a task's stored state may change from one state to the other: the table in `docs/task-states.md`, which tests compare with what is done. */
export function isLegalTransition(from: StoredState, to: StoredState): boolean {
  return LEGAL[from].includes(to)
}
