import { createFile, removeFile, syncFile } from './file-access.ts'
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
    files.mkdir(staged)
    createFile(files, statePath(staged), printState('OPEN'))
    if (sync) await syncFile(files, statePath(staged))
    files.rename(staged, directory)
    return true
  } catch (error) {
    discard(files, staged)
    if (TAKEN.has(codeOf(error))) return false
    throw toStateIoError(error, { path: directory, action: 'make' })
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
