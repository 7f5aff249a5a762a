import { constants, openSync, unlinkSync } from 'node:fs'

/** O_EXCL never follows a link, and O_NOFOLLOW says so where a file system forgets it. */
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** The user's umask takes its part off. */
const MODE = 0o666
/** How often a file may come back between its removal and our own. */
const TRIES = 3

/**
 * Makes a new, empty log file in place of an old one.
 *
 * The old file is unlinked, not emptied: a straggler of an earlier attempt goes on writing into a file that has no
 * name any more, and a symbolic link is replaced, not followed.
 *
 * Synchronous, as all that the store does for a task: a pool of threads takes several times as long as the call.
 *
 * @returns A descriptor, closed on exec, that the caller closes.
 * @throws The system's error, for instance ENOSPC, or ENOENT when the directory is missing.
 */
export function openLogFile(path: string): number {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openSync(path, CREATE_NEW, MODE)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === TRIES) throw error
    }
    unlinkIfThere(path)
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
