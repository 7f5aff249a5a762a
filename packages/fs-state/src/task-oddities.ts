/** What in a task's directory is not as it should be, or waits to be taken up (looks only). */

import type { FileLayer } from './file-layer.ts'
import { codeOf } from './io-error.ts'
import { directoryFault } from './known-tasks.ts'
import { statePath } from './store-paths.ts'
import type { HistoryAttempt } from './task-attempts.ts'
import type { TaskReading } from './task-chain.ts'
import { invalidFault } from './task-view.ts'

/** Something that was found; `kind` for programs, `text` for people. */
export interface Oddity {
  readonly kind:
    | 'no-directory'
    | 'directory'
    | 'invalid-state'
    | 'empty-state'
    | 'overwritten'
    | 'foreign-running'
    | 'foreign-failed'
    | 'foreign-file'
    | 'unreadable-event'
    | 'missing-event'
    | 'pending-payload'
    | 'leftover-payload'
    | 'unreported-end'
  /** The file in question. */
  readonly path: string
  /** A sentence. */
  readonly text: string
}

/** What {@link findOddities} looks at. */
export interface OdditySearch {
  readonly files: FileLayer
  readonly directory: string
  readonly reading: TaskReading
  readonly attempts: readonly HistoryAttempt[]
  readonly ownerDead: boolean
}

/** Finds the oddities of a task, in no order that means anything. */
export function findOddities(search: OdditySearch): readonly Oddity[] {
  const { files, directory, reading, attempts, ownerDead } = search
  const kind = files.peek(directory)
  if (kind === undefined) {
    const text = `${directory} is not there yet: the task has never been claimed.`
    return [{ kind: 'no-directory', path: directory, text }]
  }
  const fault = directoryFault(kind)
  if (fault !== undefined) {
    return [{ kind: 'directory', path: directory, text: `${directory} is ${fault}. The task is left alone.` }]
  }
  const oddities = [...viewOddities(directory, reading), ...eventOddities(directory, reading)]
  for (const name of namesIn(files, directory)) {
    const found = nameOddity(name, directory, reading)
    if (found !== undefined) oddities.push(found)
  }
  const last = attempts.at(-1)
  if (ownerDead && last?.outcome === 'unreported' && last.slot === reading.slot) {
    const text = `Attempt ${last.attempt} recorded its end, but its owner died before the result counted: it runs again.`
    oddities.push({ kind: 'unreported-end', path: directory, text })
  }
  return oddities
}

function viewOddities(directory: string, { view, state, events }: TaskReading): Oddity[] {
  const path = statePath(directory)
  const oddities: Oddity[] = []
  if (view.kind === 'invalid')
    oddities.push({ kind: 'invalid-state', path, text: invalidFault(path, view.reason) })
  else if (state.kind === 'empty')
    oddities.push({
      kind: 'empty-state',
      path,
      text: `${path} is empty, as a power cut leaves it; the task is what its last event says, or OPEN without any.`,
    })
  if (view.kind === 'foreign') {
    const text = `${path} says RUNNING, but no event claims the task: a program that makes no events, as pshmem, runs it or has died.`
    oddities.push({ kind: 'foreign-running', path, text })
  }
  if (view.kind === 'settled' && view.state === 'FAILED' && events.at(-1)?.content?.kind === 'CLAIM') {
    const text = `${path} says FAILED over a claim: another program wrote it. As long as the claim's owner lives, nobody takes the task.`
    oddities.push({ kind: 'foreign-failed', path, text })
  }
  if (view.kind === 'settled' && view.overwritten) {
    const text = `${path} says OPEN, written over the result ${view.state}, which stands.`
    oddities.push({ kind: 'overwritten', path, text })
  }
  return oddities
}

function eventOddities(directory: string, { events }: TaskReading): Oddity[] {
  return events
    .filter(({ content }) => content === undefined)
    .map(({ slot }) => {
      const path = `${directory}/state.ev.${slot}`
      return {
        kind: 'unreadable-event',
        path,
        text: `${path} can't be read, so nobody knows who made it; its slot stays taken.`,
      }
    })
}

/** What a name in the directory says, if it should not be there. */
function nameOddity(
  name: string,
  directory: string,
  { slot, view, events }: TaskReading,
): Oddity | undefined {
  const path = `${directory}/${name}`
  const event = /^state\.ev\.([1-9][0-9]{0,8})$/.exec(name)?.[1]
  if (event !== undefined && Number(event) > slot) {
    const text = `${path} stands behind a slot that is free: an event before it is missing.`
    return { kind: 'missing-event', path, text }
  }
  const payload = /^state\.p([1-9][0-9]{0,8})\.(.+)$/.exec(name)
  if (payload !== null) {
    const [, at, owner] = payload
    const isPending =
      Number(at) === slot && events.at(-1)?.content?.instance === owner && view.kind !== 'settled'
    return isPending
      ? {
          kind: 'pending-payload',
          path,
          text: `${path} waits to become the state file: its event stands already.`,
        }
      : {
          kind: 'leftover-payload',
          path,
          text: `${path} was left by an attempt that did not get its slot, or not yet; it is in nobody's way.`,
        }
  }
  if (name !== 'state.temp') return undefined
  return {
    kind: 'foreign-file',
    path,
    text: `${path} is what pshmem writes before it becomes the state file; if pshmem does not run, it died meanwhile.`,
  }
}

function namesIn(files: FileLayer, directory: string): readonly string[] {
  try {
    return [...files.list(directory)].map(({ name }) => name).filter((name) => name.startsWith('state.'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}
