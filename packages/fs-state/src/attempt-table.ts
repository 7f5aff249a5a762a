/** The table of all attempts that a root has on record, one row each (pure, but for reading). */
import type { AttemptReason, StoredState } from '@mpibatch/batch-core'
import { attemptKey, DISCARDED_LINES, type EndLine } from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { type RecordedAttempt, readAllAttempts } from './history.ts'

/**
 * What came of an attempt: `ended`: it ended and counts · `discarded`: it ended after somebody else had taken the task,
 * so that its result does not count · `unfinished`: no end is on record, because it runs, or its owner died.
 */
export type AttemptRowOutcome = 'ended' | 'discarded' | 'unfinished'

/** One attempt. What an attempt without an end does not know is left out. */
export interface AttemptRow {
  readonly task: string
  readonly instance: string
  /** Slot of the claim: the fencing token. */
  readonly slot: number
  readonly outcome: AttemptRowOutcome
  /** From 1. */
  readonly attempt?: number
  /** The state that it gave the task, or was about to. */
  readonly state?: StoredState
  readonly reason?: AttemptReason
  readonly exitCode?: number
  readonly signal?: string
  readonly message?: string
  readonly host?: string
  /** Number of the worker group, from 0. */
  readonly worker?: number
  /** Wall-clock times, milliseconds since 1970. */
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  /** By a monotonic clock, milliseconds. */
  readonly durationMs?: number
}

/**
 * Goes through all attempts on record, those that ended in the order of their records, then those without an end.
 * Commands record their start, job scripts only the end.
 */
export function* readAttemptTable(files: FileLayer, root: string): Generator<AttemptRow> {
  const discarded = new Set<string>()
  for (const { instance, line } of readAllAttempts(files, root, DISCARDED_LINES)) {
    if (line.kind === 'discarded') discarded.add(attemptKey(instance, line))
  }
  const unfinished = new Map<string, AttemptRow>()
  for (const recorded of readAllAttempts(files, root)) {
    const { instance, line } = recorded
    const key = attemptKey(instance, line)
    if (line.kind === 'start') unfinished.set(key, unfinishedRow(recorded, line.atMs))
    else if (line.kind === 'end') {
      unfinished.delete(key)
      yield endedRow(instance, line, discarded.has(key))
    }
  }
  yield* unfinished.values()
}

/** The row of an attempt that has ended. */
export function endedRow(instance: string, line: EndLine, isDiscarded = false): AttemptRow {
  const { kind: _kind, atMs, ...fields } = line
  return { ...fields, instance, outcome: isDiscarded ? 'discarded' : 'ended', endedAtMs: atMs }
}

function unfinishedRow({ instance, line }: RecordedAttempt, startedAtMs: number): AttemptRow {
  return { task: line.task, instance, slot: line.slot, outcome: 'unfinished', startedAtMs }
}
