/** Makes sure that a task root is there and usable, before anything is claimed in it. */
import { dirname } from 'node:path'
import { StoreUnusableError } from '@mpibatch/batch-core'
import { syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, remedyOf } from './io-error.ts'
import { instancesDirectory, ownDirectory } from './store-paths.ts'

/**
 * Makes the root and the directory of mpibatch in it, where they are missing.
 *
 * @throws {@link StoreUnusableError} with a sentence that says what to do.
 */
export async function prepareRoot(
  files: FileLayer,
  root: string,
  options: { readonly sync: boolean },
): Promise<void> {
  try {
    checkKind(files, root)
    if (files.peek(root) === undefined) {
      makeWithParents(files, root)
      if (options.sync) await syncDirectory(files, dirname(root))
    }
    for (const directory of [ownDirectory(root), instancesDirectory(root)]) makeDirectory(files, directory)
  } catch (error) {
    throw unusable(root, error)
  }
}

/**
 * Makes sure that a root is a directory, if there is anything of its name; changes nothing.
 *
 * @returns Whether it is there.
 * @throws {@link StoreUnusableError} with a sentence that says what to do.
 */
export function checkRootPlace(files: FileLayer, root: string): boolean {
  try {
    checkKind(files, root)
    return files.peek(root) !== undefined
  } catch (error) {
    throw unusable(root, error)
  }
}

/**
 * Makes sure that a root is there to be read.
 *
 * @throws {@link StoreUnusableError} with a sentence that says what to do.
 */
export function checkReadableRoot(files: FileLayer, root: string): void {
  if (!checkRootPlace(files, root)) {
    throw new StoreUnusableError(
      `There is no task root ${root}. Check the name, or make it with "mpibatch run".`,
      {
        details: { root, code: 'ENOENT' },
      },
    )
  }
  try {
    for (const _entry of files.list(root)) break
  } catch (error) {
    throw unusable(root, error)
  }
}

/** The error that says why a root can't be used. */
export function unusable(root: string, error: unknown): StoreUnusableError {
  if (error instanceof StoreUnusableError) return error
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  return new StoreUnusableError(`The task root ${root} can't be used: ${reason}. ${remedyOf(error)}`, {
    cause: error,
    details: { root, code },
  })
}

/**
 * Makes sure that a root, if there is one, is a directory; looks only.
 *
 * @throws {@link StoreUnusableError} with a sentence that says what to do.
 */
function checkKind(files: FileLayer, root: string): void {
  const kind = files.peek(root)
  if (kind === undefined || kind === 'directory') return
  if (kind !== 'symlink') throw refusal(root, 'is not a directory. Choose another --root, or move it away.')
  const beyond = files.peek(`${root}/`)
  if (beyond === undefined) {
    throw refusal(
      root,
      'is a symbolic link to nothing. Make the directory that it points to, or choose another --root.',
    )
  }
  if (beyond !== 'directory') {
    throw refusal(root, 'is a symbolic link to something that is not a directory. Choose another --root.')
  }
}

/** One directory at a time: where the system refuses a directory, as in /proc, Node's recursive mkdir never ends. */
function makeWithParents(files: FileLayer, path: string): void {
  const parent = dirname(path)
  if (parent !== path && files.peek(parent) === undefined) makeWithParents(files, parent)
  makeDirectory(files, path)
}

function makeDirectory(files: FileLayer, path: string): void {
  try {
    files.mkdir(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    if (files.peek(path) !== 'directory') {
      throw refusal(path, 'is in the way: mpibatch needs a directory of this name. Move it away.')
    }
  }
}

function refusal(path: string, fault: string): StoreUnusableError {
  return new StoreUnusableError(`${path} ${fault}`, { details: { path } })
}
