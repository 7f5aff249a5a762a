import {
  type AttemptProcess,
  type AttemptRecord,
  type ClaimableStates,
  type ClaimOutcome,
  ClosedError,
  FencedError,
  ForeignWriterError,
  invariant,
  type LoadedStates,
  MpibatchError,
  type NamedList,
  type Outlook,
  StateIoError,
  type StateStore,
  type StoreClaim,
  type StoredState,
  type StoreLease,
  type TerminalState,
} from '@mpibatch/batch-core'
import { DirectoryDurability } from './directory-durability.ts'
import type { NamedClaim } from './instance-records.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import { untilValid } from './lease.ts'
import { type RootWatcher, watchRoot } from './root-watcher.ts'
import { statePath, taskDirectory } from './store-paths.ts'
import type { FsStoreTicket, StoreSession } from './store-session.ts'
import { readEvent, readState, readTask } from './task-chain.ts'
import { claimTask, ROUNDS_MAX } from './task-claim.ts'
import { createTaskDirectory } from './task-directories.ts'
import { readDurations } from './task-durations.ts'
import { type LoadedTasks, type LoadOptions, loadTasks } from './task-loading.ts'
import { reconsiderTasks } from './task-reconsideration.ts'
import { readValue, writeValue } from './task-values.ts'

/** Longest wait for a change in milliseconds; whoever waits looks again then. */
const WATCH_MS_MAX = 3_600_000

/**
 * A store of task states on a file system: a directory per task, with its `state` and its events
 * (`docs/state-files.md`). Made by `createFsStateProvider`.
 */
export class FsStateStore implements StateStore {
  readonly #session: StoreSession
  readonly #tasks: NamedList
  readonly #loading: LoadOptions
  readonly #durability: DirectoryDurability
  /** Tasks whose last event may be ours or not, because the file system failed in the middle. */
  readonly #unclear = new Set<number>()
  #present: Uint8Array | undefined
  #watcher: RootWatcher | undefined
  /** Directories of the tasks that others have, as far as is known. */
  #elsewhere: readonly string[] = []

  /** @internal */
  constructor(session: StoreSession, tasks: NamedList, loading: LoadOptions = {}) {
    this.#session = session
    this.#tasks = tasks
    this.#loading = loading
    this.#durability = new DirectoryDurability(session.files, session.root, tasks.length)
  }

  get instance(): string {
    return this.#session.instance
  }

  get lease(): StoreLease {
    return this.#session.lease
  }

  get ticket(): FsStoreTicket {
    return this.#session.ticket
  }

  /** The lease's memory can't go to another process. */
  get portableTicket(): FsStoreTicket {
    const { leaseWords: _memory, ...portable } = this.#session.ticket
    return portable
  }

  get keepsStates(): boolean {
    return true
  }

  async load(): Promise<LoadedStates> {
    const { codes, faults, present } = await this.#load()
    this.#present = present
    if (this.#session.sync) await this.#durability.ensureAll(present)
    const general = this.#session.warnings.map((message) => ({ message }))
    return { codes, faults: [...general, ...faults] }
  }

  async claim(
    taskIndex: number,
    options: { readonly lastSeen: number; readonly from: ClaimableStates },
  ): Promise<ClaimOutcome> {
    this.#checkOpen()
    return await this.#trying(taskIndex, async () => {
      const { lastSeen } = options
      this.lease.check()
      if (this.#unclear.has(taskIndex)) return { kind: 'elsewhere', slot: lastSeen, owner: this.instance }
      const outcome = await this.#claim(taskIndex, options)
      if (outcome.kind !== 'claimed') return outcome
      if (this.ticket.durability === 'full') await this.#durability.ensure(taskIndex)
      // Nobody can have taken it over before the lease is lost; until that is certain, it must not run.
      if (this.lease.state !== 'valid') await untilValid(this.lease)
      return outcome
    })
  }

  recordStart(claim: StoreClaim, process: AttemptProcess): void {
    this.#session.records.started(this.#named(claim), process)
  }

  async publish(claim: StoreClaim, state: TerminalState, record: AttemptRecord): Promise<number> {
    return await this.#end(claim, state, record)
  }

  async release(claim: StoreClaim, record?: AttemptRecord): Promise<number> {
    return await this.#end(claim, 'OPEN', record)
  }

  async keepValue({ taskIndex, slot }: StoreClaim, text: string): Promise<void> {
    this.#checkOpen()
    const { files, instance, sync, ticket } = this.#session
    const syncName = sync && ticket.claimSync
    await writeValue(files, this.#directoryOf(taskIndex), { slot, instance, text, sync, syncName })
  }

  // An error is a rejection, as everywhere.
  async readValue(taskIndex: number): Promise<string | undefined> {
    return readValue(this.#session.files, this.#directoryOf(taskIndex))
  }

  readState(taskIndex: number): Promise<StoredState | 'INVALID'> {
    const { view } = readTask(this.#session.files, this.#directoryOf(taskIndex), 0)
    switch (view.kind) {
      case 'open':
        return Promise.resolve('OPEN')
      case 'settled':
        return Promise.resolve(view.state)
      case 'invalid':
        return Promise.resolve('INVALID')
      default:
        // A result that has not reached `state` yet has not been reported either.
        return Promise.resolve('RUNNING')
    }
  }

  async reconsider(taskIndices: readonly number[]): Promise<Outlook> {
    const directories = taskIndices.map((index) => this.#directoryOf(index))
    const { ready, owners } = await reconsiderTasks(this.#session, directories)
    this.#elsewhere = directories
    this.#watcher?.watchTasks(directories)
    const indexAt = (position: number): number => taskIndices[position] ?? -1
    return {
      ready: ready.map(indexAt),
      owners: owners.map(({ position, ...owner }) => ({ ...owner, taskIndex: indexAt(position) })),
    }
  }

  get lookIntervalMs(): number {
    return this.#session.ticket.timings.heartbeatMs
  }

  async changed(signal: AbortSignal): Promise<void> {
    if (this.#watcher === undefined) {
      const { root, files } = this.#session
      this.#watcher = watchRoot(root, { instance: this.instance, files })
      this.#watcher.watchTasks(this.#elsewhere)
    }
    await this.#watcher.changed(WATCH_MS_MAX, signal)
  }

  async settle(taskIndices: readonly number[]): Promise<void> {
    this.#checkOpen()
    for (const taskIndex of taskIndices) await this.#trying(taskIndex, () => this.#settleTask(taskIndex))
  }

  durations(): Float64Array {
    return readDurations(this.#session.files, this.#session.root, this.#tasks)
  }

  directoryOf(taskIndex: number): string {
    return this.#directoryOf(taskIndex)
  }

  async close(): Promise<void> {
    await this.#watcher?.close()
    await this.#session.close()
  }

  async #load(): Promise<LoadedTasks> {
    try {
      return await loadTasks(this.#session, this.#tasks, this.#loading)
    } catch (error) {
      if (error instanceof MpibatchError || codeOf(error) === '') throw error
      throw toStateIoError(error, { path: this.#session.root, action: 'read the states of' })
    }
  }

  async #end(
    claim: StoreClaim,
    state: TerminalState | 'OPEN',
    record: AttemptRecord | undefined,
  ): Promise<number> {
    this.#checkOpen()
    const { taskIndex } = claim
    const directory = this.#directoryOf(taskIndex)
    const slot = claim.slot + 1
    if (this.#unclear.has(taskIndex)) {
      throw new StateIoError(
        `An earlier write to ${directory} failed in the middle, so the task is left as it is. Run again when the disk works; what it has become is found out then.`,
        { details: { path: directory, slot } },
      )
    }
    return await this.#trying(taskIndex, async () => {
      this.#checkStillRunning(claim, directory)
      if (record !== undefined) this.#session.records.ending(this.#named(claim), state, record)
      const append = this.#session.appender.append({ directory, slot, kind: state, afterOwnClaim: true })
      const isDurable = state === 'OPEN' ? this.ticket.durability === 'full' : this.#session.sync
      const synced = isDurable ? this.#durability.ensure(taskIndex) : undefined
      // If the sync fails the append still goes on, so nobody is told before both have ended.
      if (synced !== undefined) await Promise.allSettled([append, synced])
      const outcome = await append
      await synced
      if (outcome.kind === 'lost') throw this.#fenced(claim, directory)
      // The index may only say what a power cut leaves true.
      if (state === 'DONE' && outcome.renamed && isDurable)
        this.#session.records.done(this.#nameOf(taskIndex), slot)
      return slot
    })
  }

  /** A program without claims may have written `state` since; then what it wrote must not be written over. */
  #checkStillRunning(claim: StoreClaim, directory: string): void {
    const { files } = this.#session
    const state = readState(files, directory)
    if (state.kind === 'word' && state.state === 'RUNNING') return
    if (readEvent(files, directory, claim.slot + 1) !== undefined) throw this.#fenced(claim, directory)
    const path = statePath(directory)
    const found =
      state.kind === 'word'
        ? `says ${state.state}`
        : state.kind === 'invalid'
          ? state.reason
          : `is ${state.kind}`
    throw new ForeignWriterError(
      `${path} ${found}, although this run has the task and had written RUNNING: another program changed it. The result of this attempt is discarded; don't run other programs on the same tasks.`,
      { details: { task: this.#nameOf(claim.taskIndex), path } },
    )
  }

  #fenced(claim: StoreClaim, directory: string): FencedError {
    const task = this.#nameOf(claim.taskIndex)
    const owner = readEvent(this.#session.files, directory, claim.slot + 1)?.content?.instance
    this.#session.records.discarded(this.#named(claim))
    return new FencedError(
      `Task ${JSON.stringify(task)} was taken over by ${owner === undefined ? 'another instance' : `instance ${owner}`} while it ran here; this result is discarded, and the other one counts.`,
      { details: { task, slot: claim.slot, ...(owner === undefined ? {} : { owner }) } },
    )
  }

  async #settleTask(taskIndex: number): Promise<void> {
    const { files } = this.#session
    const directory = this.#directoryOf(taskIndex)
    let lastSeen = 0
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const { view, events, slot } = readTask(files, directory, lastSeen)
      const ours = (view.kind === 'claimed' || view.kind === 'ending') && view.owner === this.instance
      if (!ours) return
      lastSeen = slot
      if (view.kind === 'ending') lastSeen = await this.#session.appender.rollForward(directory, events)
      else {
        lastSeen += 1
        await this.#session.appender.append({ directory, slot: lastSeen, kind: 'OPEN' })
      }
    }
  }

  async #claim(
    taskIndex: number,
    { from, ...options }: { readonly lastSeen: number; readonly from: ClaimableStates },
  ): Promise<ClaimOutcome> {
    const { records, sync, appender, ticket } = this.#session
    const directory = this.#directoryOf(taskIndex)
    let { lastSeen } = options
    let isNew = this.#isMissing(taskIndex, directory)
    // Where a later name may outlive an earlier one, the event must be on the disk before the state.
    if (isNew && lastSeen === 0 && !ticket.claimSync) {
      const first = await appender.appendFirst({ directory, staged: this.#session.stage() })
      this.#notePresent(taskIndex)
      if (first === 'won') return { kind: 'claimed', slot: 1, claim: { taskIndex, slot: 1, attempt: 1 } }
      if (first === 'tried') lastSeen = 1
      isNew = false
    } else if (isNew) isNew = await this.#makeDirectory(taskIndex, directory)
    const fault = isNew ? undefined : this.#directoryFault(directory)
    if (fault !== undefined) return { kind: 'invalid', slot: lastSeen, reason: fault }
    return await claimTask(this.#session, {
      ...{ taskIndex, directory, from, lastSeen, isNew },
      beforeReopen: (slot) => records.reopening(this.#nameOf(taskIndex), slot, { sync }),
      beforeCrash: (crashed) => records.crashing(this.#nameOf(taskIndex), crashed),
    })
  }

  /** Whether a task has no directory, for all that is known. */
  #isMissing(taskIndex: number, directory: string): boolean {
    const known = this.#present?.[taskIndex]
    return known === undefined ? this.#session.files.peek(directory) === undefined : known === 0
  }

  /** Makes the directory of a task that has none. @returns Whether it was made by this call. */
  async #makeDirectory(taskIndex: number, directory: string): Promise<boolean> {
    const { files, ticket } = this.#session
    const options = { staged: this.#session.stage(), sync: ticket.durability === 'full' }
    const made = await createTaskDirectory(files, directory, options)
    this.#notePresent(taskIndex)
    return made
  }

  #notePresent(taskIndex: number): void {
    if (this.#present !== undefined) this.#present[taskIndex] = 1
    if (this.#session.sync) this.#durability.noteMade(taskIndex)
  }

  #directoryFault(directory: string): string | undefined {
    const kind = this.#session.files.peek(directory)
    if (kind === undefined || kind === 'directory') return undefined
    return `${directory} is ${kind === 'symlink' ? 'a symbolic link' : 'not a directory'}. The task is left alone.`
  }

  /** After an error that leaves open whether an event was made, this instance never touches the task again. */
  async #trying<T>(taskIndex: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      // What the system says about a mere look at the task's files has no words of ours yet.
      const isNamed = thrown instanceof MpibatchError || codeOf(thrown) === ''
      const error = isNamed
        ? thrown
        : toStateIoError(thrown, { path: this.#directoryOf(taskIndex), action: 'look at' })
      if (error instanceof StateIoError && error.details.tried === true) this.#unclear.add(taskIndex)
      throw error
    }
  }

  #nameOf(taskIndex: number): string {
    const task = this.#tasks.at(taskIndex)
    invariant(task !== undefined, `Task ${taskIndex} is in the list of ${this.#tasks.length} tasks`)
    return task.name
  }

  #named({ taskIndex, slot, attempt }: StoreClaim): NamedClaim {
    return { task: this.#nameOf(taskIndex), slot, attempt }
  }

  #directoryOf(taskIndex: number): string {
    return taskDirectory(this.#session.root, this.#nameOf(taskIndex))
  }

  #checkOpen(): void {
    if (this.#session.closed) throw new ClosedError('The store is closed.')
  }
}
