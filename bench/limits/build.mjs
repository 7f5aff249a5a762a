/** Compiles what shows the machine's limits: a C program each, into a folder that git ignores. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const PLACE = join(import.meta.dirname, '../.peers/limits')

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/**
 * Compiles `<name>.c` unless that is done.
 * @returns `path`, or `missing` with a sentence where there is no C compiler.
 */
export function buildLimit(name) {
  const source = join(import.meta.dirname, `${name}.c`)
  const path = join(PLACE, name)
  if (modifiedMs(path) > modifiedMs(source)) return { path }
  mkdirSync(PLACE, { recursive: true })
  const built = spawnSync('cc', ['-O2', '-Wall', '-o', path, source], { encoding: 'utf8' })
  if (built.error !== undefined) return { missing: 'there is no C compiler (apt-get install gcc)' }
  if (built.status !== 0) throw new Error(`${source} can't be compiled: ${built.stderr}`)
  return { path }
}
