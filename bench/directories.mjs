/**
 * Directories in which programs are measured. They are removed together at the end: ext4 looks for space the longer, the more was removed
 * just now, and that would count for whoever comes next.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const directories = []

/** Makes an empty directory. @returns Its path. */
export function emptyDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'mpibatch-bench-'))
  directories.push(directory)
  return directory
}

/** Removes all that there are. */
export function removeDirectories() {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

process.on('exit', removeDirectories)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(2))
