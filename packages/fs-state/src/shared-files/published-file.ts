import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../io-error.ts'
import { refreshNames, refreshPath, syncNames, toSharedFileError, withOpened } from './shared-file.ts'

/**
 * Writes a file so that nobody ever sees half of it: into a file of another name beside it, which is synced and then
 * renamed. Afterwards it is on the disk under its name. Not collective; of several writers the last one counts.
 *
 * For what a task leaves in its directory, and for what another job, or a task that waits for no barrier, reads with
 * {@link readFreshFile}.
 *
 * @param path - The file; what stood there is replaced, a symbolic link too.
 * @param data - Text, written as UTF-8, or bytes.
 * @throws {@link SharedFileError} if it can't be written or synced. What stood there stands, unless it was the sync of
 *   the directory that failed.
 */
export async function writeWholeFile(path: string, data: string | Uint8Array): Promise<void> {
  const target = resolve(path)
  const staged = `${target}.${randomUUID()}.new`
  try {
    const file = await open(staged, 'w')
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await move(staged, target)
  } catch (error) {
    await rm(staged, { force: true }).catch(() => undefined)
    throw toSharedFileError(error, { action: 'write', path: target })
  }
  await syncNames(dirname(target)).catch((error: unknown) => {
    throw toSharedFileError(error, { action: 'sync the directory of', path: target })
  })
}

/** Renames a file whose name nobody else has: if it is gone, then by our own try, whose answer the server lost. */
async function move(staged: string, target: string): Promise<void> {
  try {
    await rename(staged, target)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    // The directory may be gone as well.
    await withOpened(target, () => Promise.resolve())
  }
}

/** Times that a file is opened which its server says to have forgotten. */
const STALE_TRIES_MAX = 8
/** Pause before the second try, milliseconds; it doubles. GlusterFS remembers a file that was replaced for a second. */
const STALE_PAUSE_MS = 10

/**
 * Reads a whole file as it is on the server now, whatever this machine remembers of it: also one that did not exist when
 * it was looked for a moment ago, which an NFS client believes for 30 s. Not collective.
 *
 * It does not wait: a change that the server has not heard of yet is not seen, as that of a writer who has not closed
 * or synced the file; {@link writeWholeFile} and {@link syncBarrierSync} sync. On file systems whose clients can't be
 * made to ask (some over FUSE), a file that is changed in place may look as it was for as long as they keep it;
 * {@link syncBarrierSync} notices that, and waits.
 *
 * @returns Its bytes, or `undefined` if there is no such file.
 * @throws {@link SharedFileError} if it can't be read.
 */
export async function readFreshFile(path: string): Promise<Buffer | undefined> {
  const target = resolve(path)
  for (let tried = 1; ; tried += 1) {
    await refreshPath(target)
    try {
      return await readFile(target)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') return undefined
      if (code !== 'ESTALE' || tried === STALE_TRIES_MAX) {
        throw toSharedFileError(error, { action: 'read', path: target })
      }
    }
    // It was replaced while it was read: its name leads to the new one.
    await refreshNames(dirname(target))
    await pause(STALE_PAUSE_MS * 2 ** (tried - 1))
  }
}
