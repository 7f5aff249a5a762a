/** How soon one process sees what another has changed (step 6). */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Between two looks, milliseconds. */
const LOOK_INTERVAL_MS = 10

/** What can be seen of a change: text of a file, its times, a name nobody had asked for, one that was absent, a listing. */
export const VISIBLE_CHANGES = ['content', 'mtime', 'ctime', 'newName', 'absentName', 'listing'] as const

/** One of {@link VISIBLE_CHANGES}. */
export type VisibleChange = (typeof VISIBLE_CHANGES)[number]

/** What the observer knew before the change. */
export interface VisibilityBaseline {
  readonly content: string
  readonly mtime: string
  readonly ctime: string
}

/** Makes what will be changed. */
export function prepareVisibility({ directory }: { directory: string }): void {
  mkdirSync(directory)
  writeFileSync(`${directory}/beat`, '0')
}

/** Looks at everything once, so that whatever may be cached is in the caches. */
export function primeVisibility({ directory }: { directory: string }): VisibilityBaseline {
  const { content, mtime, ctime } = readBeat(directory)
  isThere(`${directory}/absent`)
  readdirSync(directory)
  return { content, mtime, ctime }
}

/** Changes everything. */
export function changeVisibly({ directory }: { directory: string }): void {
  const descriptor = openSync(`${directory}/beat`, 'r+')
  try {
    writeSync(descriptor, '1', 0)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  for (const name of ['fresh', 'absent']) writeFileSync(`${directory}/${name}`, '')
}

/** Looks until every change is seen. @returns Milliseconds until each was; none for what was not seen in time. */
export async function watchVisibility(input: {
  readonly directory: string
  readonly baseline: VisibilityBaseline
  readonly timeoutMs: number
}): Promise<Partial<Record<VisibleChange, number>>> {
  const { directory, baseline, timeoutMs } = input
  const start = performance.now()
  const seen: Partial<Record<VisibleChange, number>> = {}
  for (;;) {
    const now = look(directory, baseline, seen)
    const elapsedMs = Math.round(performance.now() - start)
    for (const change of now) seen[change] ??= elapsedMs
    if (VISIBLE_CHANGES.every((change) => seen[change] !== undefined) || elapsedMs > timeoutMs) return seen
    await pause(LOOK_INTERVAL_MS)
  }
}

function look(
  directory: string,
  baseline: VisibilityBaseline,
  seen: Partial<Record<VisibleChange, number>>,
): VisibleChange[] {
  const { content, mtime, ctime } = readBeat(directory)
  const changes: VisibleChange[] = []
  if (content !== baseline.content) changes.push('content')
  if (mtime !== baseline.mtime) changes.push('mtime')
  if (ctime !== baseline.ctime) changes.push('ctime')
  if (seen.newName === undefined && isThere(`${directory}/fresh`)) changes.push('newName')
  if (seen.absentName === undefined && isThere(`${directory}/absent`)) changes.push('absentName')
  // A listing refreshes what a client knows of a directory, so it comes last, and only after the names were asked for.
  if (seen.absentName !== undefined && readdirSync(directory).includes('absent')) changes.push('listing')
  return changes
}

function readBeat(directory: string): VisibilityBaseline {
  const descriptor = openSync(`${directory}/beat`, 'r')
  try {
    const { mtimeNs, ctimeNs } = fstatSync(descriptor, { bigint: true })
    const buffer = Buffer.alloc(16)
    const content = buffer.toString('utf8', 0, readSync(descriptor, buffer))
    return { content, mtime: String(mtimeNs), ctime: String(ctimeNs) }
  } finally {
    closeSync(descriptor)
  }
}

function isThere(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}
