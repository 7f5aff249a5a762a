import { createFile, makeDirectory, removeFile, syncFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import { printState } from './state-file.ts'
import { statePath } from './store-paths.ts'

/** Errors that say that a directory has the name already. */
const TAKEN = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR'])

/**
 * Makes a task's directory with `state` OPEN in it. It is built elsewhere and moved to its place, so that nobody can
 * see a task without a state.
 *
 * @returns Whether this call made it; `false` if something has its name.
 * @throws {@link StateIoError}
 */
export async function createTaskDirectory(
  files: FileLayer,
  directory: string,
  options: { readonly staged: string; readonly sync: boolean },
): Promise<boolean> {
  const { staged, sync } = options
  try {
    makeDirectory(files, staged)
    createFile(files, statePath(staged), printState('OPEN'))
    if (sync) await syncFile(files, statePath(staged))
    return move(files, staged, directory)
  } catch (error) {
    discard(files, staged)
    if (TAKEN.has(codeOf(error))) return false
    throw toStateIoError(error, { path: directory, action: 'make' })
  }
}

/** Nobody else moves what we have just built: if it is gone, our move was done, and the answer to it was lost. */
function move(files: FileLayer, staged: string, directory: string): boolean {
  try {
    files.rename(staged, directory)
    return true
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    // A client that remembers the name as missing forgets that when the server tells it that the name is taken.
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
