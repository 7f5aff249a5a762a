/**
 * Locks a file and tries to lock it elsewhere (step 8). Node has no flock(2), so flock(1) of util-linux does it; the
 * store itself never locks a file.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'

/** How a try to lock went. */
export type LockOutcome = 'locked' | 'refused' | 'no-program' | `error: ${string}`

/** Exit code by which flock(1) is asked to say that somebody else has the lock. */
const CONFLICT = 99

let holder: ChildProcessByStdio<Writable, Readable, Readable> | undefined

/** Takes a lock and keeps it until {@link dropLock}. */
export async function holdLock({ path }: { path: string }): Promise<LockOutcome> {
  // What `cat` echoes shows that it was started, which flock does only with the lock.
  const child = spawn('flock', ['-n', '-E', String(CONFLICT), path, 'cat'], { stdio: 'pipe' })
  holder = child
  child.stdin.on('error', () => undefined)
  child.stdin.write('locked\n')
  const echoed = once(child.stdout, 'data').then((): LockOutcome => 'locked')
  return await Promise.race([echoed, endOf(child)])
}

/** Tries to take the lock, and gives it back at once. */
export async function tryLock({ path }: { path: string }): Promise<LockOutcome> {
  return await endOf(spawn('flock', ['-n', '-E', String(CONFLICT), path, 'true'], { stdio: 'pipe' }))
}

/** Gives back the lock of {@link holdLock}. */
export async function dropLock(_: Record<string, never>): Promise<void> {
  const child = holder
  holder = undefined
  if (child === undefined || child.exitCode !== null || child.pid === undefined) return
  const ended = once(child, 'close')
  child.stdin.end()
  await ended
}

async function endOf(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<LockOutcome> {
  let message = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message += text
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return 'locked'
    return code === CONFLICT ? 'refused' : `error: ${message.trim() || `exit ${code}`}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'no-program' : `error: ${code ?? String(error)}`
  }
}
