import { createOwnFile, makeDirectory, removeFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, repeatUnclear, toStateIoError } from './io-error.ts'
import { printState } from './state-file.ts'
import { statePath } from './store-paths.ts'

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
      return move(files, staged, directory)
    })
    if (!made) discard(files, staged)
    return made
  } catch (error) {
    discard(files, staged)
    throw toStateIoError(error, { path: directory, action: 'make' })
  }
}

/**
 * Moves what was built to its place.
 *
 * ENOENT means that it was moved by our own first try, whose answer was lost: nobody else moves it. ESTALE is what
 * GlusterFS answers if another client has taken the place a moment ago.
 */
function move(files: FileLayer, staged: string, directory: string): boolean {
  try {
    files.rename(staged, directory)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (!TAKEN.has(code) && code !== 'ENOENT' && code !== 'ESTALE') throw error
    // A client that remembers the name as missing, since it looked for it a moment before another one made it, forgets
    // that when it wants to make a directory and hears that the name is taken; by a refused move it does not.
    makeDirectory(files, directory)
    return false
  }
}

function discard(files: FileLayer, staged: string): void {
  try {
    removeFile(files, statePath(staged))
    files.rmdir(staged)
  } catch {
    // What is left lies in the directory of this instance and is in nobody's way.
  }
}
