/**
 * The text of an event file, `state.ev.<slot>` (pure): `1 <KIND> <instance> <proc> <nonce>`.
 *
 * `1` is the version of the format; a later version is read as unreadable, which keeps its slot taken.
 */

/** What an event does: a claim, a result, or opening the task again. */
export type EventKind = 'CLAIM' | 'DONE' | 'FAILED' | 'OPEN'

/** All kinds of event. */
export const EVENT_KINDS: readonly EventKind[] = ['CLAIM', 'DONE', 'FAILED', 'OPEN']

/** Bytes of an event that are looked at; a well-formed one is shorter. */
export const EVENT_SIZE_MAX = 128

/** Who made an event, and what it does. */
export interface EventContent {
  readonly kind: EventKind
  /** The instance, 16 hexadecimal digits. */
  readonly instance: string
  /** Rank within the instance. */
  readonly proc: number
  /** Tells one token of a rank from another, 8 hexadecimal digits. */
  readonly nonce: string
}

/** An event in its slot; without `content` if it can't be read, which leaves its slot taken and its owner unknown. */
export interface TaskEvent {
  /** From 1. */
  readonly slot: number
  readonly content?: EventContent
}

const FORMAT = /^1 (CLAIM|DONE|FAILED|OPEN) ([0-9a-f]{16}) (0|[1-9][0-9]{0,8}) ([0-9a-f]{8})\n?$/

/** The text of an event, without newline, as a symbolic link holds it. */
export function printEvent(event: EventContent): string {
  return `1 ${event.kind} ${event.instance} ${event.proc} ${event.nonce}`
}

/** Reads an event's text; `undefined` if it is not whole. */
export function parseEvent(text: string): EventContent | undefined {
  const match = FORMAT.exec(text)
  if (match === null) return undefined
  const [, kind, instance, proc, nonce] = match
  if (kind === undefined || instance === undefined || proc === undefined || nonce === undefined)
    return undefined
  return { kind: kind as EventKind, instance, proc: Number(proc), nonce }
}
