/** Files with the names 1, 2, 3, … in a directory of their own, each complete when its name appears. */
import { publishFile, syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf } from './io-error.ts'
import { ownDirectory } from './store-paths.ts'

/** The numbers of a directory's files, the lowest first; none if there is no such directory. */
export function listSequence(files: FileLayer, directory: string): readonly number[] {
  if (files.peek(directory) !== 'directory') return []
  const found: number[] = []
  for (const { name, kind } of files.list(directory))
    if (kind === 'file' && /^[1-9][0-9]{0,8}$/.test(name)) found.push(Number(name))
  return found.sort((one, other) => one - other)
}

/**
 * Adds the next file, and waits until it is on the disk.
 *
 * @returns Its number, or `undefined` if somebody else took that.
 * @throws The system's error; what was built of the file then stays under `staged`.
 */
export async function publishNext(
  files: FileLayer,
  directory: string,
  options: { readonly root: string; readonly staged: string; readonly text: () => Iterable<string> },
): Promise<number | undefined> {
  const { root, staged, text } = options
  try {
    files.mkdir(directory)
    await syncDirectory(files, ownDirectory(root))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const sequence = (listSequence(files, directory).at(-1) ?? 0) + 1
  const made = await publishFile(files, `${directory}/${sequence}`, { staged, text, sync: true })
  if (made) await syncDirectory(files, directory)
  return made ? sequence : undefined
}
