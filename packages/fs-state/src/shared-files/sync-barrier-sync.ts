import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Communicator,
  decodeError,
  type EncodedError,
  encodeError,
  SharedFileError,
  UsageError,
} from '@mpibatch/batch-core'
import { fileSystemClass } from '../file-system-class.ts'
import { codeOf } from '../io-error.ts'
import { ownIdentity } from '../process-identity.ts'
import {
  type FileStamp,
  refreshNames,
  refreshPath,
  stampOf,
  syncNames,
  syncOpened,
  toSharedFileError,
  withOpened,
} from './shared-file.ts'

/** What a rank has written, and what it is going to read. Both may differ from rank to rank. */
export interface SyncBarrierSyncOptions {
  /**
   * Files that this rank has written since the last time, and directories in which it has made, renamed or removed
   * names. A stream that writes to one must have ended, or been flushed; a file may be open. On NFS the ranks of one
   * machine write a file, or those of another, not both between two calls. A directory stands for its names on NFS; on
   * other file systems name the files too, since clients there may keep names that a directory has no more.
   * @defaultValue none
   */
  readonly wrote?: readonly string[]
  /**
   * Files and directories that this rank is going to read. Files may be open for reading; for writing too they may not be
   * on NFS, whose client keeps the pages of such a file.
   * @defaultValue everything that other ranks wrote
   */
  readonly reads?: readonly string[]
  /**
   * Milliseconds after which this rank gives up on a file that still looks here as it was before it was written.
   * @defaultValue 90,000: NFS clients believe what they know for up to 60 s
   */
  readonly visibleWithinMs?: number
}

/** What one rank tells the others. */
interface Written {
  /** The kernel that it runs under, whose client of the file system it uses. */
  readonly machine: string
  readonly fault: EncodedError | undefined
  readonly files: readonly (FileStamp & { readonly path: string })[]
}

/** What a path has to look like. */
interface Expectation {
  readonly stamp: FileStamp
  readonly writer: number
  /** Machines on which it was written. */
  readonly machines: readonly string[]
}

const VISIBLE_WITHIN_MS = 90_000
/** Files that are opened at once. */
const WIDTH = 16
const PAUSE_MS_MAX = 250

/**
 * Lets each rank read what the others wrote to files: syncs what this rank wrote, waits for all ranks, and makes this
 * machine forget what it remembers of the files to be read (sync-barrier-sync, as in MPI_File_sync, MPI_Barrier,
 * MPI_File_sync, and in UnifyFS). Collective.
 *
 * Without it, a rank on another machine may for a while read the old content from its own memory, find the old size, or
 * no file at all: caches of network file systems are not told when another machine writes. Afterwards whoever opens one
 * of the files reads what was written before the call, or later; what was written is on the disk.
 *
 * Where a client goes on showing the old file (GlusterFS for a second, some mount options for longer), this call waits
 * until it does not: each writer tells the others size and time of what it wrote.
 *
 * @param communicator - The ranks; `null` for this thread alone.
 * @throws {@link SharedFileError} on all ranks, if one of them can't sync what it wrote, or does not see in time what
 *   another wrote, or if two machines wrote one file on NFS. The message names rank and file.
 *
 * @example
 * ```ts
 * await writeFile(`part-${communicator.rank}.json`, text)
 * await syncBarrierSync(communicator, { wrote: [`part-${communicator.rank}.json`] })
 * const parts = await Promise.all(allRanks.map((rank) => readFile(`part-${rank}.json`, 'utf8')))
 * ```
 */
export async function syncBarrierSync(
  communicator: Communicator | null,
  options: SyncBarrierSyncOptions = {},
): Promise<void> {
  const rank = communicator?.rank ?? 0
  const synced = await attempt(() => syncWritten(options, rank))
  const { bootId, host } = ownIdentity()
  const mine: Written = { machine: bootId || host, fault: synced.fault, files: synced.value ?? [] }
  const all = (await communicator?.allgather(mine)) ?? [mine]
  throwFirst(
    all.map(({ fault }) => fault),
    { rank, own: synced.error },
  )
  const seen = await attempt(() => seeRead(options, { rank, all }))
  throwFirst((await communicator?.allgather(seen.fault)) ?? [seen.fault], { rank, own: seen.error })
}

/** What came of a step on this rank, for itself and for the others. */
interface Attempt<T> {
  readonly value?: T
  readonly error?: unknown
  readonly fault: EncodedError | undefined
}

async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work(), fault: undefined }
  } catch (error) {
    return { error, fault: encodeError(error) }
  }
}

/** All ranks throw what the first rank with a fault found; that one its own error, with the cause. */
function throwFirst(
  faults: readonly (EncodedError | undefined)[],
  { rank, own }: { readonly rank: number; readonly own: unknown },
): void {
  const first = faults.findIndex((fault) => fault !== undefined)
  const fault = faults[first]
  if (fault === undefined) return
  throw first === rank ? own : decodeError(fault)
}

async function syncWritten(options: SyncBarrierSyncOptions, rank: number): Promise<Written['files']> {
  const paths = pathsOf('wrote', options.wrote ?? [])
  const files = await inTurn(paths, async (path) => {
    try {
      return await withOpened(path, async (file) => {
        await syncOpened(file)
        return { path, ...(await stampOf(file)) }
      })
    } catch (error) {
      throw toSharedFileError(error, { action: `sync what rank ${rank} wrote to`, path })
    }
  })
  const parents = new Set(paths.map((path) => dirname(path)))
  await inTurn([...parents], async (parent) => {
    try {
      await syncNames(parent)
    } catch (error) {
      // One can write a file in a directory that one may not read.
      if (codeOf(error) !== 'EACCES')
        throw toSharedFileError(error, { action: 'sync the names in', path: parent })
    }
  })
  return files
}

async function seeRead(
  options: SyncBarrierSyncOptions,
  { rank, all }: { readonly rank: number; readonly all: readonly Written[] },
): Promise<void> {
  const expected = expectations(all)
  for (const { path } of all[rank]?.files ?? []) await checkOneMachine(path, expected.get(path))
  const ofOthers = all.flatMap(({ files }, writer) => (writer === rank ? [] : files.map(({ path }) => path)))
  const paths = pathsOf('reads', options.reads ?? ofOthers)
  const known = new Set<string>()
  for (const path of paths) await refreshPath(path, known)
  const deadline = performance.now() + (options.visibleWithinMs ?? VISIBLE_WITHIN_MS)
  await inTurn(paths, (path) => see(path, { expectation: expected.get(path), rank, deadline }))
}

/** The newest stamp of each path. */
function expectations(all: readonly Written[]): ReadonlyMap<string, Expectation> {
  const expected = new Map<string, Expectation>()
  all.forEach(({ machine, files }, writer) => {
    for (const { path, ...stamp } of files) {
      const other = expected.get(path)
      const machines = [...new Set([...(other?.machines ?? []), machine])]
      const isNewer = other === undefined || stamp.modifiedNs >= other.stamp.modifiedNs
      expected.set(path, isNewer ? { stamp, writer, machines } : { ...other, machines })
    }
  })
  return expected
}

/** An NFS client takes what another one wrote meanwhile for its own work, and keeps the pages that lack it. */
async function checkOneMachine(path: string, expectation: Expectation | undefined): Promise<void> {
  if (expectation === undefined || expectation.machines.length === 1 || expectation.stamp.isDirectory) return
  const { type } = await statfs(path).catch((error: unknown) => {
    throw toSharedFileError(error, { action: 'find the file system of', path })
  })
  if (fileSystemClass(type).name !== 'nfs') return
  throw new SharedFileError(
    `Ranks on ${expectation.machines.length} machines wrote ${path}, which is on NFS: none of them may ever see all of it. Let the ranks of each machine write a file of their own.`,
    { details: { path } },
  )
}

async function see(
  path: string,
  options: { expectation: Expectation | undefined; rank: number; deadline: number },
): Promise<void> {
  const { expectation, rank, deadline } = options
  for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    let missing: unknown
    try {
      const current = await withOpened(path, stampOf)
      if (expectation === undefined || isSeen(current, expectation)) return
    } catch (error) {
      const code = codeOf(error)
      // Nobody wrote it, so it need not be there.
      if (expectation === undefined && code === 'ENOENT') return
      if (code !== 'ENOENT' && code !== 'ESTALE') {
        throw toSharedFileError(error, { action: `open on rank ${rank}`, path })
      }
      if (code === 'ESTALE') await refreshNames(dirname(path))
      missing = error
    }
    if (performance.now() > deadline) throw notSeen(path, { expectation, rank, missing })
    await pause(pauseMs)
    await refreshPath(path)
  }
}

function isSeen(current: FileStamp, { stamp }: Expectation): boolean {
  if (current.isDirectory !== stamp.isDirectory) return false
  // A later time is that of a later change: its writer need not wait for us before it writes again.
  if (current.modifiedNs !== stamp.modifiedNs) return current.modifiedNs > stamp.modifiedNs
  // Within one tick of the clock a file may have been added to, by another rank too.
  return stamp.isDirectory || current.sizeBytes >= stamp.sizeBytes
}

function notSeen(
  path: string,
  where: { expectation: Expectation | undefined; rank: number; missing: unknown },
): SharedFileError {
  const { expectation, rank, missing } = where
  const what = missing === undefined ? 'still sees it as it was before' : 'does not find it'
  return new SharedFileError(
    `Rank ${expectation?.writer} wrote ${path}, and rank ${rank} ${what}. Give a path that is the same file on all machines; "mpibatch doctor" measures how soon a change is seen.`,
    { cause: missing, details: { path, rank, writer: expectation?.writer } },
  )
}

function pathsOf(option: string, paths: unknown): string[] {
  const given: readonly unknown[] = Array.isArray(paths) ? paths : [paths]
  if (
    given === paths &&
    given.every((path) => typeof path === 'string' && path !== '' && !path.includes('\0'))
  ) {
    return [...new Set((given as string[]).map((path) => resolve(path)))]
  }
  throw new UsageError(
    `"${option}" of syncBarrierSync must be a list of paths, not ${JSON.stringify(paths)}. Give the names of files, as strings.`,
  )
}

/** Goes through items, some at once. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += WIDTH) {
    results.push(...(await Promise.all(items.slice(start, start + WIDTH).map(work))))
  }
  return results
}
