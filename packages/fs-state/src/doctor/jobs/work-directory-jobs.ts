/** Makes and removes the directory in which the doctor works. */
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { codeOf } from '../../io-error.ts'
import { instancesDirectory, manifestPath, ownDirectory } from '../../store-paths.ts'

/** A directory to work in. */
export interface WorkDirectory {
  readonly path: string
  /** Whether the directory around it belongs to a task root; if not, it was made for the doctor alone. */
  readonly isTaskRoot: boolean
  /** A file in it by which other machines find out whether they see the same directory. */
  readonly marker: string
}

/** Makes a directory to work in. */
export function makeWorkDirectory(input: { readonly root: string; readonly name: string }): WorkDirectory {
  const { root, name } = input
  const isTaskRoot = existsSync(instancesDirectory(root)) || existsSync(manifestPath(root, 1))
  try {
    mkdirSync(ownDirectory(root))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const path = `${ownDirectory(root)}/${name}`
  const marker = `${path}/marker`
  try {
    mkdirSync(path)
    writeFileSync(marker, name)
  } catch (error) {
    removeWorkDirectory({ root, path })
    throw error
  }
  return { path, isTaskRoot, marker }
}

/** Removes it with all that is in it, and the directory around it if that is empty then. */
export function removeWorkDirectory(input: { readonly root: string; readonly path: string }): void {
  // A process of the peer may hold files open for a moment longer, and NFS keeps those under other names.
  rmSync(input.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  try {
    rmdirSync(ownDirectory(input.root))
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error
  }
}
