/**
 * Reads a task: its `state`, the chain of its events, and what the two say together.
 *
 * Only opening and reading decides. A name that seems to be missing may merely be missing from a cache, and then the
 * chain read here is too short; whoever acts on it tries to take a slot that is taken, loses, and looks again.
 */
import { EVENT_SIZE_MAX, parseEvent, type TaskEvent } from './event.ts'
import { readSmallText, readStart, withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import { parseState, STATE_SIZE_MAX, type StateReading } from './state-file.ts'
import { eventPath, payloadPath, statePath } from './store-paths.ts'
import { judgeTask, type TaskView } from './task-view.ts'

/** A task as it was found. */
export interface TaskReading {
  /** What is to be made of it. */
  readonly view: TaskView
  readonly state: StateReading
  /** All events, in the order of their slots. */
  readonly events: readonly TaskEvent[]
  /** The highest slot known to be taken, 0 if none. */
  readonly slot: number
  /** How often the task has been claimed. */
  readonly claimCount: number
}

/** Times that a task is read again because it changed meanwhile; after that, what was found last stands. */
const ROUNDS_MAX = 8

const stateBuffer = Buffer.allocUnsafe(STATE_SIZE_MAX)

/** Reads a task's `state` file. */
export function readState(files: FileLayer, directory: string): StateReading {
  const path = statePath(directory)
  try {
    return withFile(files, path, (descriptor): StateReading => {
      const reading = parseState(readStart(files, descriptor, stateBuffer))
      // A pipe or device reads as empty, but is nothing that a power cut leaves.
      if (reading.kind !== 'empty' || files.kindOf(descriptor) === 'file') return reading
      return { kind: 'invalid', reason: 'is not a plain file' }
    })
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
        return { kind: 'absent' }
      case 'EISDIR':
        return { kind: 'invalid', reason: 'is a directory' }
      case 'ELOOP':
        return { kind: 'invalid', reason: 'is a symbolic link' }
      case 'ENXIO':
        return { kind: 'invalid', reason: 'is not a plain file' }
      case 'EACCES':
        return { kind: 'invalid', reason: 'must not be read by this user' }
      case 'ENOTDIR':
        return { kind: 'invalid', reason: 'has a parent that is not a directory' }
    }
    throw toStateIoError(error, { path, action: 'read' })
  }
}

/** Reads the event in a slot; `undefined` if the slot seems to be free. */
export function readEvent(files: FileLayer, directory: string, slot: number): TaskEvent | undefined {
  const path = eventPath(directory, slot)
  // An exception for a free slot, which is the usual case, would cost ten times as much.
  if (files.peek(path) === undefined) return undefined
  const text = readEventText(files, path)
  if (text === undefined) return undefined
  const content = parseEvent(text)
  return content === undefined ? { slot } : { slot, content }
}

/** The text of an event, empty if it is no readable file; `undefined` if it is not there. */
export function readEventText(files: FileLayer, path: string): string | undefined {
  try {
    return readSmallText(files, path, EVENT_SIZE_MAX)
  } catch (error) {
    switch (codeOf(error)) {
      case 'ELOOP':
        return readEventLink(files, path)
      case 'EISDIR':
      case 'ENXIO':
      case 'EACCES':
        return ''
    }
    throw toStateIoError(error, { path, action: 'read' })
  }
}

function readEventLink(files: FileLayer, path: string): string | undefined {
  try {
    return files.readlink(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw toStateIoError(error, { path, action: 'read' })
  }
}

/**
 * Reads all events of a task.
 *
 * @param lastSeen - Highest slot that is known to be taken; up to it a missing event is an unreadable one.
 */
export function readEvents(files: FileLayer, directory: string, lastSeen: number): readonly TaskEvent[] {
  const events: TaskEvent[] = []
  for (let slot = 1; ; slot += 1) {
    const event = readEvent(files, directory, slot)
    if (event === undefined && slot > lastSeen) return events
    events.push(event ?? { slot })
  }
}

/** Tells whether the `state` that an event wants is still waiting to be renamed into place. */
export function isPayloadPending(files: FileLayer, directory: string, event: TaskEvent): boolean {
  if (event.content === undefined) return false
  const path = payloadPath(directory, event.slot, event.content.instance)
  try {
    return withFile(files, path, () => true)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw toStateIoError(error, { path, action: 'open' })
  }
}

/** Reads a task. `lastSeen` as in {@link readEvents}. */
export function readTask(files: FileLayer, directory: string, lastSeen: number): TaskReading {
  let state = readState(files, directory)
  for (let round = 1; ; round += 1) {
    // State before events: whoever wrote this state had made its event before, so that the event is found now.
    const events = readEvents(files, directory, lastSeen)
    const last = events.at(-1)
    let peeked = false
    const view = judgeTask(state, last, () => {
      peeked = true
      return last !== undefined && isPayloadPending(files, directory, last)
    })
    const reading = { view, state, events, slot: events.length, claimCount: countClaims(events) }
    if (!peeked || round === ROUNDS_MAX) return reading
    // A payload that is gone may have become the state just now, after we read the old one.
    const again = readState(files, directory)
    if (isSameState(state, again)) return reading
    state = again
  }
}

function isSameState(one: StateReading, other: StateReading): boolean {
  if (one.kind === 'word' && other.kind === 'word') return one.state === other.state
  return one.kind === other.kind
}

function countClaims(events: readonly TaskEvent[]): number {
  return events.filter((event) => event.content?.kind === 'CLAIM').length
}

/** Tells whether `state` says DONE, which stands whatever the events say. */
export function isPlainlyDone(state: StateReading): boolean {
  return state.kind === 'word' && state.state === 'DONE'
}
