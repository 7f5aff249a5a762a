/** Whether a thread goes on to beat while its process can't do anything else (step 9). */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, promises, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const { O_NONBLOCK, O_RDWR } = constants

/** Threads that Node has for calls on files; a call that hangs keeps one of them. */
const POOL_SIZE = 4

/** What was seen of the heart. */
export interface HeartbeatReading {
  /** Beats while the main loop stood still and all threads of the pool hung. */
  readonly beats: number
  readonly blockedMs: number
  /** Calls that hung meanwhile; 0 where the system has no pipes with names. */
  readonly hung: number
}

/** Blocks this process in every way there is, and counts how often a thread of it writes meanwhile. */
export async function beatWhileBlocked(input: {
  directory: string
  blockedMs: number
}): Promise<HeartbeatReading> {
  const { directory, blockedMs } = input
  const path = `${directory}/beat`
  const thread = new Worker(new URL('./heartbeat-probe.js', import.meta.url), { workerData: { path } })
  await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
  // Pipes need no file system of their own; the directory's may refuse them.
  const pipes = mkdtempSync(join(tmpdir(), 'mpibatch-doctor-'))
  try {
    const hung = hangPool(pipes)
    const before = readBeats(path)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs)
    const beats = readBeats(path) - before
    for (const pipe of hung) closeSync(openSync(pipe, O_RDWR | O_NONBLOCK))
    return { beats, blockedMs, hung: hung.length }
  } finally {
    await thread.terminate()
    rmSync(pipes, { recursive: true, force: true })
  }
}

/** Lets every thread of the pool wait for somebody who opens the other end of a pipe. */
function hangPool(directory: string): readonly string[] {
  const pipes = Array.from({ length: POOL_SIZE }, (_, index) => join(directory, String(index)))
  try {
    execFileSync('mkfifo', pipes, { stdio: 'ignore' })
  } catch {
    return []
  }
  for (const pipe of pipes) {
    promises.open(pipe, 'r').then(
      (handle) => handle.close(),
      () => undefined,
    )
  }
  return pipes
}

function readBeats(path: string): number {
  return Number(readFileSync(path, 'latin1'))
}
