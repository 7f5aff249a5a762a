/** The attempts at a task, put together from its events and from what instances recorded (pure). */
import type { AttemptReason, StoredState } from '@mpibatch/batch-core'
import type { AttemptLine } from './attempt-log.ts'
import type { TaskEvent } from './event.ts'
import type { RecordedAttempt } from './history.ts'

/** How an attempt went on: it runs, or nobody knows; it ended and counts; its result came too late; its owner gave up. */
export type AttemptOutcome = 'unfinished' | 'ended' | 'unreported' | 'discarded' | 'superseded'

/** One claim of a task, and what came of it. */
export interface HistoryAttempt {
  /** From 1. */
  readonly attempt: number
  /** Slot of the claim: the fencing token. */
  readonly slot: number
  readonly instance: string
  /**
   * `unfinished`: it has the task still · `ended`: its result is an event · `unreported`: it recorded an end, but made
   * no event of it · `discarded`: it ended after somebody else had taken the task · `superseded`: somebody took the
   * task, and no end of it is recorded.
   */
  readonly outcome: AttemptOutcome
  readonly host?: string
  /** Wall-clock times, milliseconds since 1970. */
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  readonly durationMs?: number
  readonly processGroup?: number
  /** The state that it gave the task, or was about to. */
  readonly state?: StoredState
  readonly reason?: AttemptReason
  readonly exitCode?: number
  readonly signal?: string
  readonly message?: string
}

/**
 * Puts the attempts together, in the order of their claims; first those whose events `mpibatch gc` has removed.
 *
 * @param records - What instances recorded about the task, in any order.
 */
export function putAttemptsTogether(
  events: readonly TaskEvent[],
  records: readonly RecordedAttempt[],
): readonly HistoryAttempt[] {
  const groups = new Map<string, RecordedAttempt[]>()
  for (const record of records) {
    const key = keyOf(record.instance, record.line.slot)
    groups.set(key, [...(groups.get(key) ?? []), record])
  }
  const attempts: Omit<HistoryAttempt, 'attempt'>[] = []
  for (const [position, { slot, content }] of events.entries()) {
    if (content?.kind !== 'CLAIM') continue
    const { instance } = content
    const key = keyOf(instance, slot)
    const own = (groups.get(key) ?? []).map(({ line }) => line)
    groups.delete(key)
    attempts.push({
      slot,
      instance,
      ...fieldsOf(own),
      outcome: outcomeOf(own, instance, events[position + 1]),
    })
  }
  const earlier = [...groups.values()].sort(([one], [other]) => compareRecords(one, other)).flatMap(toEarlier)
  return [...earlier, ...attempts].map((one, position) => ({ attempt: position + 1, ...one }))
}

const keyOf = (instance: string, slot: number): string => `${instance} ${slot}`

function compareRecords(one: RecordedAttempt | undefined, other: RecordedAttempt | undefined): number {
  if (one === undefined || other === undefined) return 0
  return one.part === other.part ? one.line.slot - other.line.slot : one.part - other.part
}

/** An attempt without an event, from all that is recorded of it. */
function toEarlier(records: readonly RecordedAttempt[]): Omit<HistoryAttempt, 'attempt'>[] {
  const [first] = records
  if (first === undefined) return []
  const own = records.map(({ line }) => line)
  const discarded = own.some(({ kind }) => kind === 'discarded')
  const ended = own.some(({ kind }) => kind === 'end')
  const outcome = discarded ? 'discarded' : ended ? 'ended' : 'superseded'
  return [{ slot: first.line.slot, instance: first.instance, ...fieldsOf(own), outcome }]
}

function outcomeOf(
  own: readonly AttemptLine[],
  instance: string,
  next: TaskEvent | undefined,
): AttemptOutcome {
  if (own.some(({ kind }) => kind === 'discarded')) return 'discarded'
  const hasEnded = own.some(({ kind }) => kind === 'end')
  if (next === undefined) return hasEnded ? 'unreported' : 'unfinished'
  if (next.content?.instance === instance && next.content.kind !== 'CLAIM') return 'ended'
  return hasEnded ? 'unreported' : 'superseded'
}

function fieldsOf(own: readonly AttemptLine[]): Partial<HistoryAttempt> {
  let fields: Partial<HistoryAttempt> = {}
  for (const line of own) {
    if (line.kind === 'start') {
      fields = { ...fields, processGroup: line.processGroup, startedAtMs: line.atMs }
    } else if (line.kind === 'end') {
      const { state, host, startedAtMs, durationMs, reason, exitCode, signal, message, atMs } = line
      fields = {
        ...fields,
        ...{ state, host, durationMs, reason, startedAtMs, endedAtMs: atMs },
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(signal === undefined ? {} : { signal }),
        ...(message === undefined ? {} : { message }),
      }
    }
  }
  return fields
}
