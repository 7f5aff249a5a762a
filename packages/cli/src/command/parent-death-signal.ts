import { spawn } from 'node:child_process'
import { findExecutable } from './find-executable.ts'

let words: Promise<readonly string[]> | undefined

/**
 * Words to put before a command so that the kernel kills it when this process dies, even from `kill -9`; none where
 * the system has no `setpriv` that can do it. Found out once per process.
 *
 * The kernel forgets the wish when a set-user-id program starts, and it holds for the command itself, not for what the
 * command has started. Survivors are found through the process group that the store keeps of each attempt.
 */
export function parentDeathWords(): Promise<readonly string[]> {
  words ??= probe()
  return words
}

async function probe(): Promise<readonly string[]> {
  const search = findExecutable('setpriv', { directory: process.cwd(), searchPath: process.env.PATH })
  if (search.kind !== 'found') return []
  const prefix = [search.path, '--pdeathsig', 'KILL', '--']
  // BusyBox has a setpriv without this option, so it is tried out, on itself.
  const works = await new Promise<boolean>((resolve) => {
    const child = spawn(search.path, [...prefix.slice(1), search.path, '--version'], { stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
  return works ? prefix : []
}
