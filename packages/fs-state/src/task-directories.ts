import { createOwnFile, makeDirectory, removeDirectory, removeFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, repeatUnclear, toStateIoError } from './io-error.ts'
import { printState } from './state-file.ts'
import { eventPath, statePath } from './store-paths.ts'

/** Errors that say that something has the task's name already. */
const TAKEN = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR'])

/**
 * Makes a task's directory with `state` OPEN in it. It is built elsewhere and moved to its place, so that nobody can
 * see a task without a state.
 *
 * @param options - `staged` is a name that nobody else uses.
 * @returns Whether this call made it for certain; `false` if something has its name.
 * @throws {@link StateIoError}
 */
export async function createTaskDirectory(
  files: FileLayer,
  directory: string,
  options: { readonly staged: string; readonly sync: boolean },
): Promise<boolean> {
  const { staged, sync } = options
  try {
    const made = await repeatUnclear(files, async () => {
      makeDirectory(files, staged)
      await createOwnFile(files, statePath(staged), { text: printState('OPEN'), sync })
      return moveDirectory(files, staged, directory) === undefined
    })
    if (!made) discardStaged(files, staged)
    return made
  } catch (error) {
    discardStaged(files, staged)
    throw toStateIoError(error, { path: directory, action: 'make' })
  }
}

/** Why a directory was not moved to its place. */
export interface MoveRefusal {
  /** Something is there; else it is unclear whether an earlier try, or this one, has moved it. */
  readonly isTaken: boolean
  /** The system's. */
  readonly error: unknown
}

/**
 * Moves a directory that was built elsewhere to its place, unless something is there.
 *
 * @returns `undefined` if it was moved; else why not. ENOENT means that an earlier try has moved it, since nobody else
 *   does; ESTALE is what GlusterFS answers if another client has taken the place a moment ago.
 * @throws The system's error, if it is another one.
 */
export function moveDirectory(files: FileLayer, staged: string, directory: string): MoveRefusal | undefined {
  try {
    files.rename(staged, directory)
    return undefined
  } catch (error) {
    const code = codeOf(error)
    const isTaken = TAKEN.has(code)
    if (!isTaken && code !== 'ENOENT' && code !== 'ESTALE') throw error
    // A client that remembers the name as missing, since it looked for it a moment before another one made it, forgets
    // that when it wants to make a directory and hears that the name is taken; by a refused move it does not.
    makeDirectory(files, directory)
    return { isTaken, error }
  }
}

/**
 * Removes a directory that was built for a task and has never been its own, with the first event if it has one; that last,
 * so that no state is left without it.
 */
export function discardStaged(files: FileLayer, staged: string): void {
  try {
    removeFile(files, statePath(staged))
    removeFile(files, eventPath(staged, 1))
    removeDirectory(files, staged)
  } catch {
    // What is left lies in the directory of this instance and is in nobody's way.
  }
}
