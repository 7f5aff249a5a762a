import { PERMANENT_LEASE, type StoreLease } from '@mpibatch/batch-core'
import { Appender, type OnAppendStep, type StoreDurability } from './append.ts'
import { type EventMedium, EventTokens } from './event-token.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import type { RunningHeartbeat } from './heartbeat-runner.ts'
import { hasEndedLife, readInstance, writeLife } from './instance.ts'
import { InstanceRecords } from './instance-records.ts'
import { toStateIoError } from './io-error.ts'
import { type JobStates, NO_JOB_STATES } from './job-states.ts'
import { Lease } from './lease.ts'
import type { LivenessTimings } from './liveness-timings.ts'
import { type OwnerJudge, Owners } from './owners.ts'
import { instanceDirectory, stagedPath } from './store-paths.ts'

/** What other ranks need in order to take part in an instance or to join it. Plain data. */
export interface FsStoreTicket {
  /** The task root, absolute. */
  readonly root: string
  readonly instance: string
  readonly durability: StoreDurability
  readonly claimSync: boolean
  readonly crashLimit: number
  readonly timings: LivenessTimings
  /** Memory of the instance's lease, which its threads share; without it, its lease is not looked at. */
  readonly leaseWords?: BigInt64Array
  /** How events are made. @defaultValue link */
  readonly medium?: EventMedium
  /** The instance that opened the batch, where this one has joined it. */
  readonly batch?: string | undefined
}

/** What a {@link StoreSession} is made of. */
export interface StoreSessionOptions {
  readonly ticket: FsStoreTicket
  /** Rank within the instance. Rank 0 has registered it, and ends it. */
  readonly proc: number
  readonly files: FileLayer
  readonly onStep?: OnAppendStep | undefined
  /** Who judges the owners of claims. @defaultValue an {@link Owners} of its own */
  readonly owners?: OwnerJudge | undefined
  /** @defaultValue nobody is asked */
  readonly jobs?: JobStates | undefined
  /** The heartbeat of the instance, which ends with rank 0. */
  readonly heartbeat?: RunningHeartbeat | undefined
  /** What the user has to know of the root, a sentence each. @defaultValue none */
  readonly warnings?: readonly string[]
}

/** One rank's part in a registered instance: what it changes tasks with, and what it knows of other instances. */
export class StoreSession {
  readonly ticket: FsStoreTicket
  readonly files: FileLayer
  /** Directory of the instance. */
  readonly directory: string
  readonly appender: Appender
  readonly owners: OwnerJudge
  readonly records: InstanceRecords
  readonly lease: StoreLease
  /** Whether results are synced. */
  readonly sync: boolean
  /** See {@link StoreSessionOptions.warnings}. */
  readonly warnings: readonly string[]
  readonly #proc: number
  #stagedCount = 0
  readonly #heartbeat: RunningHeartbeat | undefined
  #closed = false

  constructor(options: StoreSessionOptions) {
    const { ticket, proc, files, onStep, jobs = NO_JOB_STATES, heartbeat, owners, warnings = [] } = options
    const { root, instance, durability, claimSync, timings, leaseWords, medium } = ticket
    const directory = instanceDirectory(root, instance)
    const sync = durability !== 'none'
    const tokens = new EventTokens({ files, directory, instance, proc, sync, medium })
    this.ticket = ticket
    this.files = files
    this.directory = directory
    this.sync = sync
    this.warnings = warnings
    const { visibilityMs } = timings
    this.appender = new Appender({ files, tokens, instance, durability, claimSync, visibilityMs, onStep })
    const { local } = fileSystemClass(files.fileSystemType(root), files.mountOf(root))
    const stage = (): string => this.stage()
    this.owners = owners ?? new Owners({ files, root, instance, sync, local, timings, jobs, stage })
    this.records = new InstanceRecords(files, { directory, proc })
    this.lease = leaseWords === undefined ? PERMANENT_LEASE : new Lease(leaseWords, timings)
    this.#proc = proc
    this.#heartbeat = heartbeat
  }

  get root(): string {
    return this.ticket.root
  }

  get instance(): string {
    return this.ticket.instance
  }

  get closed(): boolean {
    return this.#closed
  }

  /** A fresh name for something that is built before it is shown. */
  stage(): string {
    this.#stagedCount += 1
    return stagedPath(this.directory, this.#proc, this.#stagedCount)
  }

  /** Ends this rank's part; on rank 0 the instance is over. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.records.close()
    this.owners.close()
    if (this.#proc !== 0) return
    await this.#heartbeat?.stop()
    try {
      await this.#endInstance()
    } catch (error) {
      throw toStateIoError(error, { path: this.directory, action: 'write the end of the instance to' })
    }
  }

  async #endInstance(): Promise<void> {
    const { files, root, instance, sync } = this
    const found = readInstance(files, root, instance)
    if (hasEndedLife(found)) return
    await writeLife(files, root, {
      instance,
      entry: found.nextLife,
      life: 'EXITED',
      staged: this.stage(),
      sync,
    })
  }
}
