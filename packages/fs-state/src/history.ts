/**
 * The history: what the instances recorded whose directories `mpibatch gc` has removed.
 *
 * `history/1`, `history/2`, … are complete when their names appear, and never changed. The first line names the
 * instances, with all that they said about themselves; then, for each of them, come a line that names it and the lines
 * of its attempts. An instance that is in the history may still have a directory, if gc was killed; then the history
 * counts.
 */
import {
  type AttemptLine,
  type LineFilter,
  parseAttemptLine,
  printAttemptLine,
  readAttempts,
} from './attempt-log.ts'
import { readLines } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { type InstanceInfo, isInstanceName, listInstances, parseInstanceInfo } from './instance.ts'
import { isObject, parseObject } from './json-object.ts'
import { listSequence, publishNext } from './sequence-files.ts'
import { historyDirectory, historyPath } from './store-paths.ts'

/** Characters that are written at a time. */
const PIECE_SIZE = 1 << 18

/** An instance of the history; `info` is missing if its own record of it was damaged. */
export interface HistoryInstance {
  readonly instance: string
  readonly info?: InstanceInfo
}

/** A line on an attempt, and where it stands. */
export interface RecordedAttempt {
  readonly instance: string
  /**
   * Slots begin again after gc has removed the events of a DONE task, so they can be compared within one part of the
   * history; a later part is a later time, and what is not in the history yet is later than all of it: `Infinity`.
   */
  readonly part: number
  readonly line: AttemptLine
}

/** All instances of the history, the oldest part first. */
export function listHistoryInstances(files: FileLayer, root: string): readonly HistoryInstance[] {
  return listSequence(files, historyDirectory(root)).flatMap((part) => {
    for (const { text } of readLines(files, historyPath(root, part))) return parseHeader(text) ?? []
    return []
  })
}

/** Goes through the attempts of all instances, those of the history first; only through lines that a filter passes. */
export function* readAllAttempts(
  files: FileLayer,
  root: string,
  isWanted?: LineFilter,
): Generator<RecordedAttempt> {
  const told = yield* readHistory(files, root, isWanted)
  for (const instance of listInstances(files, root)) {
    if (told.has(instance)) continue
    for (const line of readAttempts(files, root, instance, isWanted)) yield { instance, part: Infinity, line }
  }
}

/** Goes through the attempts of the history alone; the result names the instances that it tells of. */
export function* readHistory(
  files: FileLayer,
  root: string,
  isWanted?: LineFilter,
): Generator<RecordedAttempt, ReadonlySet<string>> {
  const told = new Set<string>()
  for (const part of listSequence(files, historyDirectory(root))) {
    for (const { instance } of yield* readPart(files, root, part, isWanted)) told.add(instance)
  }
  return told
}

function* readPart(
  files: FileLayer,
  root: string,
  part: number,
  isWanted: LineFilter | undefined,
): Generator<RecordedAttempt, readonly HistoryInstance[]> {
  let header: readonly HistoryInstance[] | undefined
  let instance: string | undefined
  for (const { text } of readLines(files, historyPath(root, part))) {
    if (header === undefined) {
      header = parseHeader(text)
      if (header === undefined) return []
      continue
    }
    const line = isWanted?.(text) === false ? undefined : parseAttemptLine(text)
    if (line !== undefined && instance !== undefined) yield { instance, part, line }
    instance = parseInstanceLine(text) ?? instance
  }
  return header ?? []
}

/**
 * Adds the attempts of these instances to the history, and waits until they are on the disk.
 *
 * @throws The system's error; what was built of it then stays under `staged`.
 */
export async function addToHistory(
  files: FileLayer,
  root: string,
  options: { readonly instances: readonly HistoryInstance[]; readonly staged: string },
): Promise<boolean> {
  const { instances, staged } = options
  const directory = historyDirectory(root)
  const text = (): Iterable<string> => printPart(files, root, instances)
  return (await publishNext(files, directory, { root, staged, text })) !== undefined
}

function* printPart(
  files: FileLayer,
  root: string,
  instances: readonly HistoryInstance[],
): Generator<string> {
  const header = { format: 'mpibatch history', version: 1, writtenAtMs: Date.now(), instances }
  let piece = `${JSON.stringify(header)}\n`
  for (const { instance } of instances) {
    piece += `${JSON.stringify({ kind: 'instance', instance })}\n`
    for (const line of readAttempts(files, root, instance)) {
      piece += `${printAttemptLine(line)}\n`
      if (piece.length < PIECE_SIZE) continue
      yield piece
      piece = ''
    }
  }
  yield piece
}

function parseHeader(text: string): readonly HistoryInstance[] | undefined {
  const value = parseObject(text)
  if (value?.format !== 'mpibatch history' || value.version !== 1) return undefined
  if (!Array.isArray(value.instances)) return undefined
  return value.instances.flatMap((item: unknown) => {
    if (!isObject(item) || typeof item.instance !== 'string' || !isInstanceName(item.instance)) return []
    const info = isObject(item.info) ? parseInstanceInfo(item.info) : undefined
    return [{ instance: item.instance, ...(info === undefined ? {} : { info }) }]
  })
}

function parseInstanceLine(text: string): string | undefined {
  // Most lines are attempts, and need not be parsed twice.
  if (!text.startsWith('{"kind":"instance"')) return undefined
  const value = parseObject(text)
  return typeof value?.instance === 'string' ? value.instance : undefined
}
