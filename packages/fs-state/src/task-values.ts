/**
 * The values that claims keep with their tasks (`docs/state-files.md`, Values).
 *
 * A claim writes its value into a file of its own, named after its slot, before its DONE. Nobody else has that slot, so
 * an owner that was superseded can't write over its successor's; what it has written is never read. Which file counts
 * is what the events say; the file says whose it is once more, because slots begin anew after gc.
 */
import { MpibatchError, StateCorruptError, VALUE_SIZE_MAX } from '@mpibatch/batch-core'
import type { TaskEvent } from './event.ts'
import { createOwnFile, readStart, removeFile, syncDirectory, withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, isUnclear, repeatUnclear, toStateIoError } from './io-error.ts'
import { parseObject } from './json-object.ts'
import { valuePath, valueSlot } from './store-paths.ts'
import { isPlainlyDone, readEvents, readState } from './task-chain.ts'

/** Longest first line, bytes. It says whose value the file is. */
const HEADER_SIZE_MAX = 256
/** Largest file, bytes. */
const FILE_SIZE_MAX = HEADER_SIZE_MAX + VALUE_SIZE_MAX + 2

/** A claim whose value a file may hold. */
interface ValueClaim {
  readonly slot: number
  readonly instance: string
}

/** What {@link writeValue} writes, and how. */
export interface WriteValueOptions extends ValueClaim {
  /** JSON without newlines, or nothing. */
  readonly text: string
  readonly sync: boolean
  /** Sync the directory too, where the file system may lose this name and keep that of the DONE after it. */
  readonly syncName: boolean
}

/**
 * Writes the value of a claim, whole or not at all.
 *
 * @throws {@link StateIoError}
 */
export async function writeValue(
  files: FileLayer,
  directory: string,
  options: WriteValueOptions,
): Promise<void> {
  const { slot, instance, text, sync, syncName } = options
  const path = valuePath(directory, slot)
  const header = JSON.stringify({ format: 'mpibatch value', version: 1, slot, instance })
  try {
    await repeatUnclear(files, async () => {
      try {
        // Another file of this name is from before a gc.
        await createOwnFile(files, path, { text: `${header}\n${text}\n`, sync })
      } catch (error) {
        // After a sync that failed the file is written anew.
        if (isUnclear(error)) removeFile(files, path)
        throw error
      }
    })
    if (syncName) await syncDirectory(files, directory)
  } catch (error) {
    throw toStateIoError(error, { path, action: 'write' })
  }
}

/**
 * Reads the value of a task that is DONE; `undefined` if it has none.
 *
 * @throws {@link StateCorruptError} if its file holds something else.
 */
export function readValue(files: FileLayer, directory: string): string | undefined {
  const counting = findCounting(files, directory)
  if (counting === undefined) return undefined
  const { slot, instance } = counting
  const path = valuePath(directory, slot)
  const text = readFileText(files, path)
  if (text === undefined) return undefined
  const end = text.indexOf('\n')
  const owner = parseHeader(text.slice(0, end))
  if (owner?.slot !== slot || !text.endsWith('\n') || text.length === end + 1)
    throw corrupt(path, 'does not hold what a task has kept')
  if (instance !== undefined && owner.instance !== instance) return undefined
  return text.slice(end + 1, -1)
}

/** Whose value counts; without `instance` where the events do not say it any more. */
function findCounting(
  files: FileLayer,
  directory: string,
): { readonly slot: number; readonly instance?: string } | undefined {
  const claim = claimOfValue(readEvents(files, directory, 0))
  if (claim !== undefined) return claim
  // Listing the directory also shows events that a client of a file server has remembered as missing.
  const slots = listValues(files, directory)
  const events = readEvents(files, directory, 0)
  const shown = claimOfValue(events)
  if (shown !== undefined) return shown
  if (!isPlainlyDone(readState(files, directory))) return undefined
  // gc removes the values that do not count, and then the events, the last one first.
  const [slot, ...others] = slots.filter((slot) => slot >= events.length)
  return slot === undefined || others.length > 0 ? undefined : { slot }
}

/** The claim whose DONE is the last thing that has happened to a task. */
function claimOfValue(events: readonly TaskEvent[]): ValueClaim | undefined {
  // A DONE whose payload was lost is followed by another.
  const last = events.findLast(({ content }) => content?.kind !== 'DONE')
  if (last === undefined || last.slot === events.length || last.content?.kind !== 'CLAIM') return undefined
  return { slot: last.slot, instance: last.content.instance }
}

/**
 * Finds the values that never count again, while no instance is at work.
 *
 * @param isDone - Whether `state` says DONE.
 * @returns Slots. What {@link readValue} finds is none of them, also when the events are gone.
 */
export function findUnneededValues(files: FileLayer, directory: string, isDone: boolean): readonly number[] {
  const slots = listValues(files, directory)
  if (slots.length === 0) return []
  const events = readEvents(files, directory, 0)
  const claim = claimOfValue(events)
  if (claim !== undefined) {
    return slots.filter((slot) => slot !== claim.slot || !holdsValueOf(files, directory, claim))
  }
  // A claim whose DONE a gc has removed, before it was stopped: what did not count had gone before that.
  return isDone ? slots.filter((slot) => slot < events.length) : slots
}

/** Whether a file is of this claim, and not of one in a slot of the same number, before a gc. */
function holdsValueOf(files: FileLayer, directory: string, claim: ValueClaim): boolean {
  try {
    const text = readFileText(files, valuePath(directory, claim.slot)) ?? ''
    return parseHeader(text.slice(0, text.indexOf('\n')))?.instance === claim.instance
  } catch (error) {
    if (error instanceof StateCorruptError) return false
    throw error
  }
}

function parseHeader(line: string): ValueClaim | undefined {
  const { format, version, slot, instance } = parseObject(line) ?? {}
  if (format !== 'mpibatch value' || version !== 1) return undefined
  return typeof slot === 'number' && typeof instance === 'string' ? { slot, instance } : undefined
}

function listValues(files: FileLayer, directory: string): readonly number[] {
  return [...files.list(directory)].flatMap(({ name }) => valueSlot(name) ?? [])
}

/** Values are read one at a time, so one buffer serves all. */
let buffer: Buffer | undefined

function readFileText(files: FileLayer, path: string): string | undefined {
  buffer ??= Buffer.allocUnsafe(FILE_SIZE_MAX + 1)
  const room = buffer
  try {
    const size = withFile(files, path, (descriptor) => readStart(files, descriptor, room).length)
    if (size > FILE_SIZE_MAX) throw corrupt(path, 'is longer than anything that is kept')
    return room.toString('utf8', 0, size)
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
        return undefined
      case 'EISDIR':
      case 'ELOOP':
      case 'ENXIO':
      case 'EACCES':
        throw corrupt(path, 'is no file that can be read')
    }
    throw error instanceof MpibatchError ? error : toStateIoError(error, { path, action: 'read' })
  }
}

function corrupt(path: string, what: string): StateCorruptError {
  return new StateCorruptError(`${path} ${what}. To have the value, run the task again ("mpibatch rerun").`, {
    details: { path },
  })
}
