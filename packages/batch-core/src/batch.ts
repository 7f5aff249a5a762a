/**
 * A batch: worker groups that share a list of tasks. Opened by `openBatch`; see `open-batch.ts` for how it starts, and
 * `group-tasks.ts` for what happens to a task.
 */
import { setImmediate } from 'node:timers/promises'
import { BatchEventHub, type BatchEventName, type BatchListener, type TaskCounts } from './batch-events.ts'
import { type HeldValues, type MapResult, mapTasks } from './batch-map.ts'
import type { BatchParts } from './batch-parts.ts'
import type { Communicator } from './communicator.ts'
import { ClosedError, TaskStateError, UsageError } from './errors.ts'
import { GroupTasks } from './group-tasks.ts'
import { runTasks, type TaskBody } from './run-tasks.ts'
import type { AttemptReason, StoreLease } from './state-store.ts'
import type { Task } from './task.ts'
import { type ClaimableStates, TABLE_STATES, type TableState } from './task-state.ts'

/** What stands in the record of a task whose state was set, by the states that it can be set to. */
const REASON_OF_END: ReadonlyMap<string, AttemptReason> = new Map([
  ['DONE', 'done'],
  ['FAILED', 'error'],
  ['OPEN', 'interrupted'],
])

/** After so many milliseconds of reading states, other work gets its turn. */
const READ_SLICE_MS = 10

/**
 * Worker groups that share a list of tasks (pshmem's MPIBatch). Opened by `openBatch`, on all ranks.
 *
 * Each group claims one task after another until none is left: with {@link Batch.run}, with {@link Batch.map}, with
 * `for await`, or with {@link Batch.nextTask}. Its members work on the task together, over {@link Batch.group}, and it
 * ends DONE, FAILED or OPEN. No task is given to two groups, nor to two jobs on one root. Several batches may be open at
 * once, on one communicator or on parts of it. At the end all ranks call {@link Batch.close}, or open the batch with
 * `await using`.
 *
 * @example
 * ```ts
 * const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c'], groupSize: 2 })
 * const results = await batch.map(async (task, group) => {
 *   const part = await simulate(task.name, group.rank, { signal: task.signal })
 *   return await group.allreduce(part, 'sum')
 * })
 * for (const result of results) console.log(result.name, result.ok ? result.value : result.message)
 * const counts = await batch.close()
 * ```
 */
export class Batch implements AsyncIterable<Task> {
  readonly #parts: BatchParts
  readonly #events: BatchEventHub
  readonly #work: GroupTasks
  readonly #heldValues: HeldValues = new Map()
  #closed = false
  #finalCounts: TaskCounts | undefined

  /** @internal */
  constructor(parts: BatchParts) {
    this.#parts = parts
    this.#events = new BatchEventHub({ counts: () => this.counts(), onFault: parts.onFault })
    this.#work = new GroupTasks(parts, this.#events)
  }

  /** Whether this instance may start tasks, and may let those that run go on. */
  get lease(): StoreLease {
    return this.#parts.store.lease
  }

  /** The ranks of this worker group; the same communicator for every task. For the tasks' own messages. */
  get group(): Communicator {
    return this.#parts.workers.group
  }

  /** Number of this worker group, from 0. */
  get groupIndex(): number {
    return this.#parts.workers.groupIndex
  }

  /** Number of worker groups. */
  get groupCount(): number {
    return this.#parts.workers.groupCount
  }

  /** All ranks of the batch. */
  get communicator(): Communicator {
    return this.#parts.world
  }

  /** Number of tasks. */
  get taskCount(): number {
    return this.#parts.tasks.length
  }

  /** Identifies this run of the batch in the store's records. */
  get instance(): string {
    return this.#parts.store.instance
  }

  /** Directory of a task, or `undefined` in a batch without a root. */
  directoryOf(index: number): string | undefined {
    return this.#parts.store.directoryOf(index)
  }

  /**
   * Number of tasks by state, at this moment; with several nodes, of the others a moment ago. Not collective. After
   * {@link Batch.close}, as it was then.
   */
  counts(): TaskCounts {
    if (this.#finalCounts !== undefined) return this.#finalCounts
    const { table } = this.#parts.memory
    const entries = TABLE_STATES.map((state) => [state, table.count(state)] as const)
    return Object.fromEntries(entries) as TaskCounts
  }

  /**
   * Hears of what happens to tasks of this worker group, and of progress; {@link BatchEvents} has the events. Not
   * collective: each rank hears what it listens to, within the batch's own calls.
   *
   * A listener that throws, or whose promise rejects, changes nothing for the batch: it is told of by `onFault`, and not
   * called any more.
   *
   * @returns Ends that.
   * @throws {@link UsageError} if there is no such event.
   */
  on<Name extends BatchEventName>(name: Name, listener: BatchListener<Name>): () => void {
    return this.#events.on(name, listener)
  }

  /**
   * Claims the next task for this worker group. Collective over the group: every member gets the same task.
   *
   * Tasks that are OPEN come first, in the order that was asked for; then those in the states that the batch was opened
   * for. With `claimable`, once nothing is left, this call also takes a task that has FAILED (`retryFailed`), is DONE
   * (`rerun`), or runs in another instance (`stealRunning`); pshmem's `ignore_failed`, `ignore_done` and
   * `ignore_running`. Such calls go round the tasks in the order of the list, each from where the last one of this group
   * ended, so that none is passed over; a loop that asks for DONE tasks again and again never ends by itself. They read
   * the states in memory of all tasks at worst, 20 ms for a million. With several nodes a group sees the tasks that its
   * node had, and of those that had ended before, those that no other node has asked for.
   *
   * A task that runs in another group of this job is never taken from it. Stealing from another instance is done as with
   * `stealRunning` of `openBatch`: its result does not count any more, but its command may still be at work.
   *
   * @param claimable - For this call, beside what `openBatch` was given; the group leader's counts.
   * @returns The task, or `undefined` when nothing is left to do here: all tasks have ended, or run elsewhere, or a
   *   stop was asked for, or a member of the group was interrupted.
   * @throws {@link ClosedError} after {@link Batch.close}.
   * @throws {@link StateIoError} when the store fails; nothing was claimed then.
   * @throws {@link LeaseLostError} when other instances have declared this one dead.
   */
  async nextTask(claimable: ClaimableStates = {}): Promise<Task | undefined> {
    this.#checkOpen('it has no next task')
    return this.#work.next(claimable)
  }

  /**
   * Goes through the tasks of this worker group; every member of the group iterates. The body ends each task with
   * `done`, `fail` or `release`. A body that is left before, mostly by an exception, leaves its task FAILED: a script
   * that is started again then gets on to the others. After an interrupt it leaves the task OPEN.
   *
   * @throws {@link UsageError} after a body that did not end its task.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Task, void, undefined> {
    for (;;) {
      const task = await this.nextTask()
      if (task === undefined) return
      let finished = false
      try {
        yield task
        finished = true
      } finally {
        if (!finished && !task.ended) await this.#work.abandon(task, 'FAILED')
      }
      if (!task.ended) {
        await this.#work.abandon(task, 'OPEN')
        throw new UsageError(
          `The loop went on without ending task ${JSON.stringify(task.name)}. Call task.done() or task.fail(error) in it.`,
        )
      }
    }
  }

  /**
   * Runs a function over the tasks of this worker group: DONE if it returns, FAILED if it throws, OPEN if it throws after
   * an interrupt. Collective over the group. A result that another instance has superseded is dropped, and the batch
   * goes on.
   *
   * @param body - Gets the task and {@link Batch.group}; every member of the group calls it.
   */
  async run(body: TaskBody): Promise<void> {
    this.#checkOpen('it runs no tasks')
    await runTasks({ work: this.#work, group: this.group, body })
  }

  /**
   * Runs a function over the tasks like {@link Batch.run}, and gives every rank what it returned for each task of the
   * batch, in the order of the list. Collective over all ranks; it returns when every group has ended its last task.
   *
   * The value that counts is that of the group's rank 0. Without a root it may be anything that can be structured-cloned.
   * With a root it is kept as JSON in the task's directory before the task is DONE, {@link VALUE_SIZE_MAX} bytes at
   * most, and comes back as JSON gives it: so a later run that maps again has the values of all tasks, also of those
   * that it need not run. A value that can't be kept so makes its task FAILED.
   *
   * @param body - As for {@link Batch.run}.
   * @returns One entry per task: `ok` with `value`, or not `ok` with the task's state and why it has no value.
   * @throws On every rank, if a rank can't go on; tasks that fail do not throw.
   */
  async map<T>(body: TaskBody<T>): Promise<readonly MapResult<T>[]> {
    this.#checkOpen('it runs no tasks')
    return await mapTasks({
      parts: this.#parts,
      work: this.#work,
      events: this.#events,
      body,
      held: this.#heldValues,
      states: () => this.states(),
    })
  }

  /**
   * Reads a task's state: from the store where there is one, since another instance may have changed it, else from
   * memory. Not collective.
   *
   * @throws {@link UsageError} if there is no such task.
   */
  async getTaskState(index: number): Promise<TableState> {
    const inMemory = await this.#parts.memory.stateOf(index)
    const stored = await this.#parts.store.readState(index)
    return stored ?? inMemory
  }

  /**
   * Reads the states of all tasks, in the order of the list, each as {@link Batch.getTaskState} would say. Not
   * collective.
   *
   * With a root every task's `state` is opened and read, about 20 microseconds each on a local disk and a round trip each
   * on a network file system; {@link Batch.counts} costs nothing. Without a root it is one look into memory, with several
   * nodes one message.
   */
  async states(): Promise<readonly TableState[]> {
    const { store, memory } = this.#parts
    if (!store.keepsStates) return await memory.states()
    const states: TableState[] = []
    let pausedAtMs = performance.now()
    for (let index = 0; index < this.taskCount; index += 1) {
      states.push((await store.readState(index)) ?? 'INVALID')
      if (performance.now() - pausedAtMs < READ_SLICE_MS) continue
      await setImmediate()
      pausedAtMs = performance.now()
    }
    return states
  }

  /**
   * Ends a task that this group runs; the same as `done`, `fail` and `release` of the task. Collective over the group.
   *
   * @throws {@link UsageError} if this group does not run the task: only its owner may set its state.
   * @throws {@link TaskStateError} for a state that a running task can't get; nothing was changed.
   */
  async setTaskState(index: number, state: 'DONE' | 'FAILED' | 'OPEN'): Promise<void> {
    const task = this.#work.taskOf(index)
    if (task === undefined) throw this.#notRunning(index)
    const reason = REASON_OF_END.get(state)
    if (reason === undefined) {
      throw new TaskStateError(
        `Task ${index} is RUNNING and can't become ${JSON.stringify(state)}; it can become DONE, FAILED or OPEN.`,
        { details: { index, state } },
      )
    }
    return task.end(state, { reason })
  }

  #notRunning(index: number): UsageError {
    // Says so if there is no such task at all.
    this.#parts.memory.table.stateOf(index)
    return new UsageError(
      `Task ${index} does not run in this worker group, so its state can't be set here.`,
      { details: { index } },
    )
  }

  /**
   * Closes the batch. Collective over all ranks, after their last task; calling it again does nothing.
   *
   * @returns Number of tasks by state at the end.
   */
  async close(): Promise<TaskCounts> {
    if (this.#closed) return this.counts()
    this.#closed = true
    const { world, rootRank, claimer, store, memory, closeShared } = this.#parts
    await this.#work.close()
    await world.barrier()
    await memory.settle()
    const counts = this.counts()
    // The table's memory goes away below.
    this.#finalCounts = counts
    this.#events.close(counts)
    // Whoever has an instance says that it is over, the root that the job is: whoever uses what it has lets go before.
    const turn = world.rank === rootRank ? 2 : claimer === undefined ? 0 : 1
    for (const now of [0, 1, 2]) {
      if (now === turn) await store.close()
      await world.barrier()
    }
    await closeShared()
    return counts
  }

  /** `await using batch = await openBatch(…)` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(consequence: string): void {
    if (this.#closed) throw new ClosedError(`The batch is closed; ${consequence}.`)
  }
}
