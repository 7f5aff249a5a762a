/**
 * The janitor: a shell that removes a holder's directories when the holder has ended, however it ended.
 *
 * It waits for the end of a pipe from this process, which the kernel closes also after SIGKILL; a thread that ends
 * closes its own. It is in a session of its own and deaf to the signals that end a job, so that it outlives the holder;
 * what ends all processes of a job together may end it too, and then {@link sweep} of the next holder does its work.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { SharedMemoryError } from '@mpibatch/batch-core'

const SCRIPT = `trap "" HUP INT QUIT TERM
while read -r line; do :; done
for directory; do rm -rf -- "$directory"; rmdir -- "\${directory%/*}"; done 2>/dev/null`

/** See the top of this file. */
export interface Janitor {
  /** Lets it do its work now, and waits until it has ended. */
  end(): Promise<void>
}

/**
 * Starts the janitor of a holder: it removes these directories, and those that they stand in if nothing else is there.
 *
 * @throws {@link SharedMemoryError} if no shell can be started.
 */
export async function startJanitor(directories: readonly string[]): Promise<Janitor> {
  // A directory of this process would keep its disk busy, and its variables would make the janitor look like a task's.
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'mpibatch-janitor', ...directories], {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  // It reads nothing, and may be ended before us.
  child.stdin.on('error', () => undefined)
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new SharedMemoryError(
      `Shared buffers need a shell that removes them when this process has ended, and it could not be started: ${(error as Error).message}.`,
      { cause: error },
    )
  }
  const holdAlive = (isHeld: boolean): void => {
    for (const one of [child, child.stdin as Socket]) {
      if (isHeld) one.ref()
      else one.unref()
    }
  }
  holdAlive(false)
  return {
    end: async () => {
      holdAlive(true)
      child.stdin.end()
      await ended
    },
  }
}
