/** Starts programs that are measured, and looks at what they did. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The command line of mpibatch. */
export const MPIBATCH = [process.execPath, join(import.meta.dirname, '../packages/cli/bin/mpibatch.mjs')]

/** Runs a program to its end. An exit code that isn't expected is an error that has what the program said. */
export function runToEnd(words, { cwd, env = {}, exitCodes = [0], timeoutMs } = {}) {
  const [program, ...argv] = words
  const start = performance.now()
  const ended = spawnSync(program, argv, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    maxBuffer: 1 << 28,
  })
  const seconds = (performance.now() - start) / 1000
  if (ended.error?.code === 'ETIMEDOUT') throw new Error(`It did not end within ${timeoutMs / 1000} s`)
  if (!exitCodes.includes(ended.status)) {
    const said = `${ended.stderr}`.trim().split('\n').slice(-3).join(' ')
    throw new Error(`"${words.join(' ')}" ended with ${ended.status ?? ended.signal}: ${ended.error ?? said}`)
  }
  return { seconds, stdout: ended.stdout, stderr: ended.stderr }
}

/** The first line that a program printed as JSON. */
export function jsonLine({ stdout }) {
  const line = stdout.split(/\r?\n/).find((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`No figures were printed: ${stdout}`)
  return JSON.parse(line)
}

/** An error, unless as much was done as was asked for: no figure is printed of work that was not done. */
export function expectCount(what, found, wanted) {
  if (found !== wanted) throw new Error(`${what}: ${found} where ${wanted} are expected`)
}

/** Number of tasks in a root that are DONE by their state file and have all of some files. */
export function countDone(root, files = []) {
  return readdirSync(root).filter((name) => {
    if (name.startsWith('.')) return false
    if (readFileSync(join(root, name, 'state'), 'latin1') !== 'DONE\n') return false
    if (files.length === 0) return true
    const found = readdirSync(join(root, name))
    return files.every((file) => found.includes(file))
  }).length
}

/** The lines 1 to `count`. */
export function numberLines(count) {
  return Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('')
}
