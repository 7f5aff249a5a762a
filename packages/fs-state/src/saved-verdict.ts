/**
 * The verdict of `mpibatch doctor` on a task root, `.mpibatch/doctor.json`, which every run reads when it opens the
 * root. It holds for the file system that was examined; a root that lies on another one by now has none.
 */

import type { EventMedium } from './event-token.ts'
import { createSyncedFile, readSmallText, removeFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { isObject, parseObject } from './json-object.ts'
import { doctorVerdictPath } from './store-paths.ts'

/** Bytes of the file that are read. */
const SIZE_MAX = 64 * 1024

/** Which file system was looked at, so that a verdict is not held against another one. */
export interface FileSystemIdentity {
  /** Number of its type, as statfs(2) gives it. */
  readonly number: number
  /** `ext4`, `nfs4`, `fuse.sshfs`; empty where the system does not tell. */
  readonly type: string
  /** What is mounted: a device, `server:/export`; empty where the system does not tell. */
  readonly source: string
}

/** Who may work on a root: several instances at a time, one, or nobody. */
export type RootUse = 'several-instances' | 'single-instance' | 'none'

/** What a run has to know of the doctor's verdict. */
export interface SavedVerdict {
  readonly fileSystem: FileSystemIdentity
  /** ISO 8601, UTC. */
  readonly date: string
  readonly use: RootUse
  readonly medium: EventMedium
  /** See `Verdict.visibilityMs` of the doctor. */
  readonly visibilityMs: number | null
  /** Why it may not be used without limits, a sentence; empty if it may. */
  readonly reason: string
}

/** The identity of the file system that a directory is on. */
export function fileSystemIdentity(files: FileLayer, directory: string): FileSystemIdentity {
  const mount = files.mountOf(directory)
  const number = files.fileSystemType(directory) >>> 0
  return { number, type: mount?.type ?? '', source: mount?.source ?? '' }
}

/** Writes the verdict into a root, in the place of an earlier one. */
export async function saveVerdict(files: FileLayer, root: string, verdict: SavedVerdict): Promise<void> {
  const path = doctorVerdictPath(root)
  const staged = `${path}.${process.pid}`
  const text = `${JSON.stringify({ format: 'mpibatch verdict', version: 1, ...verdict })}\n`
  removeFile(files, staged)
  await createSyncedFile(files, staged, { text, sync: true })
  files.rename(staged, path)
}

/** Reads the verdict on a root; `undefined` if there is none, or it is about another file system. */
export function readSavedVerdict(files: FileLayer, root: string): SavedVerdict | undefined {
  const path = doctorVerdictPath(root)
  if (files.peek(path) !== 'file') return undefined
  const verdict = parseVerdict(readSmallText(files, path, SIZE_MAX) ?? '')
  if (verdict === undefined) return undefined
  const { number, type, source } = fileSystemIdentity(files, root)
  const saved = verdict.fileSystem
  return saved.number === number && saved.type === type && saved.source === source ? verdict : undefined
}

function parseVerdict(text: string): SavedVerdict | undefined {
  const value = parseObject(text)
  if (value?.format !== 'mpibatch verdict' || value.version !== 1) return undefined
  const { fileSystem, date, use, medium, visibilityMs, reason } = value
  if (!isObject(fileSystem)) return undefined
  const { number, type, source } = fileSystem
  if (typeof number !== 'number' || typeof type !== 'string' || typeof source !== 'string') return undefined
  if (use !== 'several-instances' && use !== 'single-instance' && use !== 'none') return undefined
  if (medium !== 'link' && medium !== 'symlink' && medium !== 'file') return undefined
  if (visibilityMs !== null && (typeof visibilityMs !== 'number' || !(visibilityMs >= 0))) return undefined
  if (typeof date !== 'string' || typeof reason !== 'string') return undefined
  return { fileSystem: { number, type, source }, date, use, medium, visibilityMs, reason }
}
