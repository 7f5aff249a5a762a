/**
 * A batch: worker groups that share a list of tasks. Opened by `openBatch`; see `open-batch.ts` for how it starts.
 */
import type { Communicator } from './communicator.ts'
import {
  ClosedError,
  decodeError,
  type EncodedError,
  encodeError,
  FencedError,
  ForeignWriterError,
  LeaseLostError,
  TaskStateError,
  UsageError,
} from './errors.ts'
import { invariant } from './invariant.ts'
import type { OpenedTable } from './open-table.ts'
import type { AttemptRecord, PlannedTask, StateStore, StoreLease } from './state-store.ts'
import { type AttemptFacts, Task } from './task.ts'
import type { TaskClaimer, TaskEnd } from './task-claimer.ts'
import { isLegalTransition, isStoredState, TABLE_STATES, type TableState } from './task-state.ts'
import type { WorkerGroup } from './worker-group.ts'

/** What a batch is made of. @internal */
export interface BatchParts {
  readonly world: Communicator
  readonly workers: WorkerGroup
  /** Messages of the batch itself inside the group, apart from the user's. */
  readonly control: Communicator
  readonly memory: OpenedTable
  readonly store: StateStore
  /** Only on group leaders. */
  readonly claimer: TaskClaimer | undefined
  readonly tasks: readonly PlannedTask[]
  readonly closeShared: () => Promise<void>
}

/** Number of tasks by state, as this batch sees them. */
export type TaskCounts = Readonly<Record<TableState, number>>

/** Body of {@link Batch.run}. */
export type TaskBody = (task: Task, group: Communicator) => unknown

/** How one member of a group wants a task to end. */
interface MemberEnd {
  readonly end: TaskEnd
  readonly record: AttemptRecord
}

const SEVERITY: Readonly<Record<TaskEnd, number>> = { DONE: 0, OPEN: 1, FAILED: 2 }

/**
 * Worker groups that share a list of tasks. Opened by `openBatch`, on all ranks.
 *
 * Each group claims one task after another until none is left: with {@link Batch.run}, with `for await`, or with
 * {@link Batch.nextTask}. No task is given to two groups, nor to two jobs on one root. At the end all ranks call
 * {@link Batch.close}, or open the batch with `await using`.
 *
 * @example
 * ```ts
 * const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c'], groupSize: 2 })
 * await batch.run(async (task, group) => {
 *   const parts = await group.gather(await simulate(task.name, group.rank))
 *   if (parts !== undefined) await writeFile(`${task.directory}/result.json`, JSON.stringify(parts))
 * })
 * const counts = await batch.close()
 * ```
 */
export class Batch implements AsyncIterable<Task> {
  readonly #parts: BatchParts
  readonly #current = new Map<number, Task>()
  /** Aborted, and replaced by a fresh one, each time that the lease is in doubt. */
  #work = new AbortController()
  readonly #unwatchLease: () => void
  #closed = false
  #finalCounts: TaskCounts | undefined

  /** @internal */
  constructor(parts: BatchParts) {
    this.#parts = parts
    this.#unwatchLease = parts.store.lease.onChange((state) => {
      if (state === 'valid') this.#work = new AbortController()
      else
        this.#work.abort(
          new LeaseLostError('This instance may have been taken for dead: its tasks must not go on.'),
        )
    })
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
   * Claims the next task for this worker group. Collective over the group: every member gets the same task.
   *
   * @returns The task, or `undefined` when nothing is left to do here: all tasks have ended, or run elsewhere, or a
   *   stop was asked for.
   * @throws {@link ClosedError} after {@link Batch.close}.
   * @throws {@link StateIoError} when the store fails; nothing was claimed then.
   * @throws {@link LeaseLostError} when other instances have declared this one dead.
   */
  async nextTask(): Promise<Task | undefined> {
    if (this.#closed) throw new ClosedError('The batch is closed; it has no next task.')
    const claim = await this.#fromLeader((claimer) => claimer.next())
    if (claim === undefined) return undefined
    const definition = this.#parts.tasks[claim.taskIndex]
    if (definition === undefined) throw new UsageError(`The list of tasks has no task ${claim.taskIndex}.`)
    const task: Task = new Task(definition, {
      claim,
      directory: this.#parts.store.directoryOf(claim.taskIndex),
      end: (end, facts) => this.#end(task, end, facts),
      started: (process) => this.#parts.store.recordStart(claim, process),
      signal: this.#work.signal,
    })
    this.#current.set(task.index, task)
    return task
  }

  /**
   * Goes through the tasks of this worker group; every member of the group iterates. The body ends each task with
   * `done`, `fail` or `release`. A body that is left before, mostly by an exception, leaves its task FAILED: a script
   * that is started again then gets on to the others.
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
        if (!finished && !task.ended) await this.#abandon(task, 'FAILED')
      }
      if (!task.ended) {
        await this.#abandon(task, 'OPEN')
        throw new UsageError(
          `The loop went on without ending task ${JSON.stringify(task.name)}. Call task.done() or task.fail(error) in it.`,
        )
      }
    }
  }

  /**
   * Runs a function over the tasks of this worker group: DONE if it returns, FAILED if it throws. Collective over the
   * group. A result that another instance has superseded is dropped, and the batch goes on.
   */
  async run(body: TaskBody): Promise<void> {
    for (;;) {
      const task = await this.nextTask()
      if (task === undefined) return
      let failure: { error: unknown } | undefined
      try {
        await body(task, this.group)
      } catch (error) {
        failure = { error }
      }
      if (task.ended) continue
      try {
        await (failure === undefined ? task.done() : task.fail(failure.error))
      } catch (error) {
        if (!(error instanceof FencedError || error instanceof ForeignWriterError)) throw error
      }
    }
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
   * Ends a task that this group runs; the same as `done`, `fail` and `release` of the task. Collective over the group.
   *
   * @throws {@link UsageError} if this group does not run the task: only its owner may set its state.
   * @throws {@link TaskStateError} for a state that a running task can't get; nothing was changed.
   */
  async setTaskState(index: number, state: 'DONE' | 'FAILED' | 'OPEN'): Promise<void> {
    this.#parts.memory.table.stateOf(index)
    const task = this.#current.get(index)
    if (task === undefined) {
      throw new UsageError(
        `Task ${index} does not run in this worker group, so its state can't be set here.`,
        {
          details: { index },
        },
      )
    }
    // What a script passes need not be what the types say. RUNNING to RUNNING is legal, but a take-over, by others.
    const wanted: string = state
    if (!isStoredState(wanted) || wanted === 'RUNNING' || !isLegalTransition('RUNNING', wanted)) {
      throw new TaskStateError(
        `Task ${index} is RUNNING and can't become ${JSON.stringify(state)}; it can become DONE, FAILED or OPEN.`,
        { details: { index, state } },
      )
    }
    if (state === 'DONE') await task.done()
    else if (state === 'FAILED') await task.fail()
    else await task.release()
  }

  /**
   * Closes the batch. Collective over all ranks, after their last task; calling it again does nothing.
   *
   * @returns Number of tasks by state at the end.
   */
  async close(): Promise<TaskCounts> {
    if (this.#closed) return this.counts()
    this.#closed = true
    this.#unwatchLease()
    const { world, claimer, store, memory, closeShared } = this.#parts
    for (const task of this.#current.values()) await this.#abandon(task, 'OPEN')
    await world.barrier()
    await memory.settle()
    const counts = this.counts()
    // The table's memory goes away below.
    this.#finalCounts = counts
    // Whoever has an instance says that it is over, rank 0 that the job is: whoever uses what it has lets go before.
    const turn = claimer === undefined ? 0 : world.rank === 0 ? 2 : 1
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

  /** Lets the group's leader act, and gives what came of it, value or error, to every member. */
  async #fromLeader<T>(work: (claimer: TaskClaimer) => Promise<T>): Promise<T> {
    const { control, claimer } = this.#parts
    if (control.size === 1) {
      if (claimer === undefined) throw new UsageError('A group of one rank must lead itself.')
      return await work(claimer)
    }
    let outcome: { value: T } | { error: EncodedError } | undefined
    let own: { error: unknown } | undefined
    if (claimer !== undefined) {
      outcome = await work(claimer).then(
        (value) => ({ value }),
        (error: unknown) => {
          own = { error }
          return { error: encodeError(error) }
        },
      )
    }
    const shared = await control.broadcast(outcome)
    if (own !== undefined) throw own.error
    invariant(shared !== undefined, 'The leader of a group told its members nothing')
    if ('error' in shared) throw decodeError(shared.error)
    return shared.value
  }

  async #end(task: Task, end: TaskEnd, facts: AttemptFacts): Promise<void> {
    const mine: MemberEnd = {
      end,
      record: {
        reason: 'error',
        ...task.measured,
        worker: this.groupIndex,
        ...facts,
      },
    }
    const { control } = this.#parts
    const members = control.size === 1 ? [mine] : await control.gather(mine)
    this.#current.delete(task.index)
    await this.#fromLeader((claimer) => {
      const worst = (members ?? [mine]).reduce((one, other) =>
        SEVERITY[other.end] > SEVERITY[one.end] ? other : one,
      )
      return claimer.end(task.storeClaim, worst.end, worst.record)
    })
  }

  /** Ends a task without the other members of the group: they may have left already. */
  async #abandon(task: Task, end: 'FAILED' | 'OPEN'): Promise<void> {
    this.#current.delete(task.index)
    const record: AttemptRecord = {
      reason: end === 'FAILED' ? 'error' : 'interrupted',
      ...task.measured,
      worker: this.groupIndex,
      message: 'the script left the task without ending it',
    }
    await this.#parts.claimer?.end(task.storeClaim, end, record)
  }
}
