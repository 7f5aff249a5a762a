/**
 * Records of attempts: `attempts.<proc>` in the instance's directory, a JSON object per line, added only.
 *
 * They are facts for people and for the order of start, and tell which process groups a dead instance had started.
 * They never decide what state a task has, so they are not synced, and a line that can't be read is passed over.
 * An `end` line is written before the event that ends the task: what is DONE has its record.
 */
import type { AttemptReason, AttemptRecord, StoredState } from '@mpibatch/batch-core'
import { readLineBlocks, readLines } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf } from './io-error.ts'
import { parseObject } from './json-object.ts'
import { instanceDirectory } from './store-paths.ts'

/** A command has started. */
export interface StartLine {
  readonly kind: 'start'
  readonly task: string
  /** Slot of the claim. */
  readonly slot: number
  readonly processGroup: number
  /** Start time of the group's first process, as in `/proc`; empty if it was gone already. */
  readonly startTime: string
  /** Wall-clock time, milliseconds since 1970. */
  readonly atMs: number
}

/** An attempt has ended. */
export interface EndLine extends AttemptRecord {
  readonly kind: 'end'
  readonly task: string
  /** Slot of the claim. */
  readonly slot: number
  /** From 1. */
  readonly attempt: number
  /** The state that the attempt was about to give the task. */
  readonly state: StoredState
  readonly host: string
  /** Wall-clock time, milliseconds since 1970. */
  readonly atMs: number
}

/** The end of this attempt was not accepted: the task had been taken over. */
export interface DiscardedLine {
  readonly kind: 'discarded'
  readonly task: string
  readonly slot: number
}

/** A line of the log. */
export type AttemptLine = StartLine | EndLine | DiscardedLine

const REASONS: ReadonlySet<unknown> = new Set<AttemptReason>([
  'done',
  'exit',
  'signal',
  'timeout',
  'not-found',
  'not-executable',
  'error',
  'interrupted',
  'crashed',
])

/** The text of a line, without newline. */
export function printAttemptLine(line: AttemptLine): string {
  return JSON.stringify(line)
}

/** Tells by the text of a line whether it is worth being parsed: of a million lines, most readers want few. */
export type LineFilter = (text: string) => boolean

const ALL_LINES: LineFilter = () => true

/** Passes lines which say that an end was not accepted, and few others. */
export const DISCARDED_LINES: LineFilter = (text) => text.includes('"discarded"')

/** Passes the lines on a task, and few others. */
export function linesOn(task: string): LineFilter {
  const text = JSON.stringify(task)
  return (line) => line.includes(text)
}

/** Reads a line; `undefined` if it is torn or not one of ours. */
export function parseAttemptLine(text: string): AttemptLine | undefined {
  const value = parseObject(text)
  if (value === undefined || typeof value.task !== 'string' || !isCount(value.slot)) return undefined
  const { kind, task, slot } = value
  if (kind === 'discarded') return { kind, task, slot }
  if (kind === 'start') return parseStart(value, task, slot)
  return kind === 'end' ? parseEnd(value, task, slot) : undefined
}

type Fields = Readonly<Record<string, unknown>>

function parseStart(value: Fields, task: string, slot: number): StartLine | undefined {
  const { processGroup, startTime, atMs } = value
  if (!isCount(processGroup) || typeof startTime !== 'string' || typeof atMs !== 'number') return undefined
  return { kind: 'start', task, slot, processGroup, startTime, atMs }
}

function parseEnd(value: Fields, task: string, slot: number): EndLine | undefined {
  const { attempt, state, host, atMs, reason, startedAtMs, durationMs, worker } = value
  if (!isCount(attempt) || !isCount(worker)) return undefined
  if (state !== 'DONE' && state !== 'FAILED' && state !== 'OPEN') return undefined
  if (typeof host !== 'string' || typeof atMs !== 'number' || !REASONS.has(reason)) return undefined
  if (typeof startedAtMs !== 'number' || typeof durationMs !== 'number') return undefined
  const { exitCode, signal, message } = value
  // One shape, then what few have: there are millions of these, and copies of copies take several times as long.
  const line: { -readonly [Key in keyof EndLine]: EndLine[Key] } = {
    kind: 'end',
    task,
    slot,
    attempt,
    state,
    host,
    atMs,
    startedAtMs,
    durationMs,
    worker,
    reason: reason as AttemptReason,
  }
  if (typeof exitCode === 'number') line.exitCode = exitCode
  if (typeof signal === 'string') line.signal = signal
  if (typeof message === 'string') line.message = message
  return line
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Paths of the logs that an instance has, one of each rank. @throws The system's error. */
export function* attemptLogs(files: FileLayer, root: string, instance: string): Generator<string> {
  const directory = instanceDirectory(root, instance)
  for (const { name, kind } of files.list(directory)) {
    if (kind === 'file' && name.startsWith('attempts.')) yield `${directory}/${name}`
  }
}

/**
 * Names an attempt. Instances never take one slot of a task twice, but for slots that begin again after `mpibatch gc`,
 * when a task was DONE.
 */
export function attemptKey(instance: string, { task, slot }: Pick<AttemptLine, 'task' | 'slot'>): string {
  return `${instance} ${slot} ${task}`
}

/** Goes through the lines that the ranks of an instance have written. */
export function* readAttempts(
  files: FileLayer,
  root: string,
  instance: string,
  isWanted: LineFilter = ALL_LINES,
): Generator<AttemptLine> {
  if (files.peek(instanceDirectory(root, instance)) !== 'directory') return
  for (const path of attemptLogs(files, root, instance)) {
    for (const { text } of readLines(files, path)) {
      const line = isWanted(text) ? parseAttemptLine(text) : undefined
      if (line !== undefined) yield line
    }
  }
}

/**
 * Goes through the lines that a log has gained since it was last read. What follows its last newline is left for the
 * next time: the rest of it may be on its way.
 *
 * @param sizes - Bytes of each log, by path, that were read; kept up to date.
 */
export function* readNewAttempts(
  files: FileLayer,
  path: string,
  sizes: Map<string, number>,
): Generator<AttemptLine> {
  const before = sizes.get(path) ?? 0
  let size = before
  try {
    for (const { bytes, torn } of readLineBlocks(files, path, before)) {
      if (torn) break
      size += bytes.length
      sizes.set(path, size)
      for (const text of bytes.toString('utf8', 0, bytes.length - 1).split('\n')) {
        const line = parseAttemptLine(text)
        if (line !== undefined) yield line
      }
    }
  } catch (error) {
    // Another look finds what this one has missed.
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESTALE') throw error
  }
}
