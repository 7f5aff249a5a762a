/**
 * The thread that keeps an instance's heart beating, whatever the other threads compute or wait for.
 *
 * It makes no asynchronous call on files: those go through a pool of threads that the whole process shares, and which
 * four calls that hang are enough to fill.
 */
import { fsyncSync, mkdirSync, realpathSync, rmdirSync, type Stats, statSync, utimesSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { invariant } from '@mpibatch/batch-core'
import { lock } from 'proper-lockfile'
import { Heartbeat } from './heartbeat.ts'
import { enterGate, type HeartbeatSetup, type HeartbeatThreadSetup } from './heartbeat-runner.ts'
import { Lease } from './lease.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { instanceDirectory, leaseLockPath, leasePath } from './store-paths.ts'

const files = {
  ...nodeFileLayer,
  sync: (descriptor: number): Promise<void> => {
    fsyncSync(descriptor)
    return Promise.resolve()
  },
}

/** Beats, and holds the lock, until the parent says that it is enough. */
async function live(setup: HeartbeatSetup, parent: MessagePort): Promise<void> {
  const { root, instance, words, timings, sync } = setup
  const { leaseMs, heartbeatMs } = timings
  const lease = new Lease(words, { leaseMs })
  const heartbeat = new Heartbeat({ files, root, instance, lease, leaseMs, sync })
  const holder = new LockHolder(instanceDirectory(root, instance), setup.timings, () => lease.suspect())
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const beat = async (): Promise<void> => {
    // A store that does not answer, or not in time, shows in the lease; there is nobody here to tell.
    await heartbeat.beat().catch(() => undefined)
    if (ended || lease.state === 'lost') return
    await holder.hold()
    timer = setTimeout(() => void beat(), heartbeatMs)
  }
  parent.once('message', () => {
    ended = true
    clearTimeout(timer)
    void holder.release().finally(() => parent.close())
  })
  await beat()
}

/** Holds `lease.lock`, by proper-lockfile, and takes it again when it was lost while the instance lives. */
class LockHolder {
  readonly #directory: string
  readonly #timings: HeartbeatSetup['timings']
  readonly #onLost: () => void
  #release: (() => Promise<void>) | undefined

  constructor(directory: string, timings: HeartbeatSetup['timings'], onLost: () => void) {
    this.#directory = directory
    this.#timings = timings
    this.#onLost = onLost
  }

  async hold(): Promise<void> {
    if (this.#release !== undefined) return
    try {
      this.#release = await lock(leasePath(this.#directory), {
        lockfilePath: leaseLockPath(this.#directory),
        realpath: false,
        stale: this.#timings.leaseMs,
        update: this.#timings.heartbeatMs,
        fs: lockFiles,
        onCompromised: () => {
          this.#release = undefined
          this.#onLost()
        },
      })
    } catch {
      // The lock is there for others to look at and to take away; without it, `hb` alone shows that we live.
    }
  }

  async release(): Promise<void> {
    await this.#release?.().catch(() => undefined)
  }
}

type Callback<T> = (error: Error | null, value?: T) => void

/** The calls that proper-lockfile makes, synchronous behind a callback. */
const lockFiles = {
  mkdir: (path: string, callback: Callback<void>): void => answer(callback, () => void mkdirSync(path)),
  rmdir: (path: string, callback: Callback<void>): void => answer(callback, () => rmdirSync(path)),
  rmdirSync,
  realpath: (path: string, callback: Callback<string>): void => answer(callback, () => realpathSync(path)),
  stat: (path: string, callback: Callback<Stats>): void => answer(callback, () => statSync(path)),
  utimes: (path: string, accessed: Date, modified: Date, callback: Callback<void>): void =>
    answer(callback, () => utimesSync(path, accessed, modified)),
}

function answer<T>(callback: Callback<T>, call: () => T): void {
  let value: T
  try {
    value = call()
  } catch (error) {
    callback(error as Error)
    return
  }
  callback(null, value)
}

invariant(parentPort !== null, 'The heartbeat has a thread of its own')
const setup = workerData as HeartbeatThreadSetup
if (enterGate(setup.gate, 'begun')) await live(setup, parentPort)
