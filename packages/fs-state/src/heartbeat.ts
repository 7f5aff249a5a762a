/**
 * The heartbeat of this instance: it rewrites the file `hb`, renews the lease by it, and where the lease has run out
 * wins it back, or learns that it is lost (`docs/liveness.md`, The owner).
 *
 * A beat counts from its start, and only if it ended while the lease stood: what took longer may have been seen by
 * others too late. A lease that has run out comes back only through the next entry of the life log, made exclusively,
 * because there, and nowhere else, an observer would have declared the instance dead.
 */
import { constants } from 'node:fs'
import { type Clock, type Instant, systemClock, wallStepMs } from './clock.ts'
import type { FileLayer } from './file-layer.ts'
import { printHeartbeat } from './heartbeat-file.ts'
import { hasEndedLife, readInstance, writeLife } from './instance.ts'
import { codeOf } from './io-error.ts'
import type { Lease } from './lease.ts'
import { heartbeatPath, instanceDirectory } from './store-paths.ts'

const { O_NOFOLLOW, O_WRONLY } = constants

/** What a {@link Heartbeat} works with. */
export interface HeartbeatOptions {
  /** Its `sync` must not go through the thread pool, whose threads may all be stuck in a dead file system. */
  readonly files: FileLayer
  readonly root: string
  readonly instance: string
  readonly lease: Lease
  readonly leaseMs: number
  /** Whether each beat is synced. */
  readonly sync: boolean
  readonly clock?: Clock
}

/** See the top of this file. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #clock: Clock
  #count = 0
  #last: Instant
  #stagedCount = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#last = this.#clock.now()
  }

  /**
   * One beat.
   *
   * @throws The system's error if the store can't be written to; the lease then runs on, and out.
   */
  async beat(): Promise<void> {
    const { lease, leaseMs } = this.#options
    if (lease.state === 'lost') return
    const start = this.#clock.now()
    await this.#write()
    // A machine that stood still with all its clocks, as a virtual one may, learns of it from the wall clock only.
    const stoodStill = wallStepMs(this.#last, this.#clock.now()) > leaseMs
    this.#last = start
    if (!stoodStill && lease.renew(start)) return
    await this.#revalidate()
  }

  async #revalidate(): Promise<void> {
    const { files, root, instance, lease, sync } = this.#options
    const start = this.#clock.now()
    await this.#write()
    for (let tried = 0; ; ) {
      const found = readInstance(files, root, instance)
      if (hasEndedLife(found)) return lease.lose()
      const entry = found.nextLife
      // Taken, but not to be seen yet: it may say DEAD, so nothing is won before it can be read.
      if (entry <= tried) return
      tried = entry
      this.#stagedCount += 1
      const staged = `${instanceDirectory(root, instance)}/new.hb.${this.#stagedCount}`
      if (await writeLife(files, root, { instance, entry, life: 'ALIVE', staged, sync })) break
    }
    lease.restore(start)
  }

  async #write(): Promise<void> {
    const { files, root, instance, lease, sync } = this.#options
    const path = heartbeatPath(instanceDirectory(root, instance))
    this.#count += 1
    try {
      // In place: a new file of the same name could be hidden from others by a cache.
      const descriptor = files.open(path, O_WRONLY | O_NOFOLLOW)
      try {
        files.write(descriptor, printHeartbeat(this.#count))
        if (sync) await files.sync(descriptor)
      } finally {
        files.close(descriptor)
      }
    } catch (error) {
      // Somebody has removed the instance, and with it all that others could know it by.
      if (codeOf(error) === 'ENOENT') lease.lose()
      throw error
    }
  }
}
