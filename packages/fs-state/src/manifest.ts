/**
 * The manifest: which tasks a root has, with their values and a fingerprint of what each of them runs.
 *
 * It grows by segments, `manifest`, `manifest.2`, `manifest.3`, …, each of which is complete before its name exists
 * and never changed afterwards; of two writers one gets the name, and the other reads what it wrote and tries the
 * next. A later line on the same task stands before an earlier one; the order of tasks is that of their first lines.
 */
import {
  type PlannedTask,
  StateCorruptError,
  type TaskDefinition,
  type TaskValue,
  taskNameFault,
} from '@mpibatch/batch-core'
import { publishFile, readLineBlocks, refreshPath, syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import { isObject, parseObject } from './json-object.ts'
import { manifestPath, ownDirectory } from './store-paths.ts'

/** Version of the format; a higher one is refused. */
const VERSION = 1

/** Characters of the manifest that are written at a time. */
const PIECE_SIZE = 1 << 18

const NEWLINE = 0x0a

/** What the manifest says of a task. */
export interface ManifestEntry extends TaskDefinition {
  readonly fingerprint: string
  readonly summary?: string
}

/** The text of a task's line, without newline. */
export function printManifestEntry({ name, values, fingerprint, summary }: PlannedTask): string {
  return JSON.stringify({
    name,
    ...(values === undefined ? {} : { values }),
    fingerprint,
    ...(summary === undefined ? {} : { summary }),
  })
}

/** Reads a task's line; an explanation, as the end of a sentence, if it is none. */
export function parseManifestEntry(text: string): ManifestEntry | string {
  const value = parseObject(text)
  if (value === undefined) return 'is not a JSON object'
  const { name, values, fingerprint, summary } = value
  if (typeof name !== 'string') return 'has no "name"'
  const fault = taskNameFault(name)
  if (fault !== undefined) return `has a "name" that ${fault}`
  if (typeof fingerprint !== 'string') return 'has no "fingerprint"'
  if (values !== undefined && !isTaskValues(values)) return 'has "values" that are not plain'
  return {
    name,
    fingerprint,
    ...(values === undefined ? {} : { values }),
    ...(typeof summary === 'string' ? { summary } : {}),
  }
}

function isTaskValues(value: unknown): value is Readonly<Record<string, TaskValue>> {
  return isObject(value) && Object.values(value).every((item) => item === null || typeof item !== 'object')
}

/** Where a line of the manifest stands. */
export interface ManifestPlace {
  /** Number of its segment, from 1. */
  readonly segment: number
  /** Of its first byte, from 0. */
  readonly offset: number
  /** Bytes, without newline. */
  readonly size: number
}

/** A line of the manifest. */
export interface ManifestLine extends ManifestPlace {
  readonly entry: ManifestEntry
}

/** Goes through what all segments of a manifest say. Throws as {@link readManifestLines}. */
export function* readManifest(files: FileLayer, root: string): Generator<ManifestEntry> {
  for (const { entry } of readManifestLines(files, root)) yield entry
}

/**
 * Goes through the lines of all segments of a manifest.
 *
 * @throws {@link StateCorruptError} naming file and line.
 */
export function* readManifestLines(files: FileLayer, root: string): Generator<ManifestLine> {
  refreshPath(files, manifestPath(root, 1))
  for (let segment = 1; ; segment += 1) {
    const path = manifestPath(root, segment)
    if (files.peek(path) === undefined) return
    try {
      yield* readSegment(files, path, segment)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      if (error instanceof StateCorruptError) throw error
      throw toStateIoError(error, { path, action: 'read' })
    }
  }
}

/** Number of segments that a root's manifest has. */
export function countSegments(files: FileLayer, root: string): number {
  let count = 0
  refreshPath(files, manifestPath(root, 1))
  while (files.peek(manifestPath(root, count + 1)) !== undefined) count += 1
  return count
}

function* readSegment(files: FileLayer, path: string, segment: number): Generator<ManifestLine> {
  let number = 0
  let before = 0
  for (const { bytes, torn } of readLineBlocks(files, path)) {
    if (torn) throw corrupt(path, number + 1, 'is not complete')
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const text = bytes.toString('utf8', start, end)
      number += 1
      if (number === 1) checkHeader(path, text)
      else {
        const entry = parseManifestEntry(text)
        if (typeof entry === 'string') throw corrupt(path, number, entry)
        yield { entry, segment, offset: before + start, size: end - start }
      }
      start = end + 1
    }
    before += bytes.length
  }
  if (number === 0) throw corrupt(path, 1, 'is missing')
}

function checkHeader(path: string, text: string): void {
  const header = parseObject(text)
  if (header?.format !== 'mpibatch manifest') throw corrupt(path, 1, 'is not the header of a manifest')
  if (header.version !== VERSION) {
    throw new StateCorruptError(
      `${path} has version ${JSON.stringify(header.version)} of its format; this mpibatch reads version ${VERSION}. Use the mpibatch that wrote it.`,
      { details: { path, line: 1 } },
    )
  }
}

function corrupt(path: string, line: number, fault: string): StateCorruptError {
  return new StateCorruptError(
    `Line ${line} of ${path} ${fault}. Mend the line, or use another --root; the states of the tasks do not depend on this file.`,
    { details: { path, line } },
  )
}

/**
 * Adds a segment with these tasks, unless another writer takes its name first.
 *
 * @param segment - Number of the segment, one above {@link countSegments} when the tasks were compared.
 * @returns Whether the segment was added.
 */
export async function addSegment(
  files: FileLayer,
  root: string,
  options: {
    readonly segment: number
    /** Goes through the tasks, more than once where the file is made in two ways. */
    readonly tasks: () => Iterable<PlannedTask>
    readonly instance: string
    readonly staged: string
    readonly sync: boolean
  },
): Promise<boolean> {
  const { segment, tasks, instance, staged, sync } = options
  const path = manifestPath(root, segment)
  try {
    const made = await publishFile(files, path, { staged, text: () => printSegment(tasks(), instance), sync })
    if (made && sync) await syncDirectory(files, ownDirectory(root))
    return made
  } catch (error) {
    throw toStateIoError(error, { path, action: 'write' })
  }
}

function* printSegment(tasks: Iterable<PlannedTask>, instance: string): Generator<string> {
  const header = { format: 'mpibatch manifest', version: VERSION, instance, writtenAtMs: Date.now() }
  let piece = `${JSON.stringify(header)}\n`
  for (const task of tasks) {
    piece += `${printManifestEntry(task)}\n`
    if (piece.length < PIECE_SIZE) continue
    yield piece
    piece = ''
  }
  yield piece
}
