/**
 * Claims and ends tasks for a worker group: the leader acts, and every member learns what came of it. One per batch and
 * rank; `batch.ts` is what users see of it.
 */
import type { BatchEventHub } from './batch-events.ts'
import type { BatchParts } from './batch-parts.ts'
import {
  decodeError,
  type EncodedError,
  encodeError,
  FencedError,
  ForeignWriterError,
  LeaseLostError,
  UsageError,
} from './errors.ts'
import { invariant } from './invariant.ts'
import type { AttemptRecord } from './state-store.ts'
import { type AttemptFacts, Task } from './task.ts'
import type { TaskClaimer, TaskEnd } from './task-claimer.ts'
import type { ClaimableStates } from './task-state.ts'

/** How one member of a group wants a task to end. */
interface MemberEnd {
  readonly end: TaskEnd
  readonly record: AttemptRecord
  /** Whether it gives the task back because its work was interrupted. */
  readonly isInterrupted: boolean
}

const SEVERITY: Readonly<Record<TaskEnd, number>> = { DONE: 0, OPEN: 1, FAILED: 2 }

/** What the members together make of a task: what fails beside an interrupted member may do so because of it. */
function decideEnd(members: readonly MemberEnd[]): MemberEnd {
  return (
    members.find(({ isInterrupted }) => isInterrupted) ??
    members.reduce((one, other) => (SEVERITY[other.end] > SEVERITY[one.end] ? other : one))
  )
}

/** See the top of this file. @internal */
export class GroupTasks {
  readonly #parts: BatchParts
  readonly #events: BatchEventHub
  readonly #current = new Map<number, Task>()
  /** Aborted, and replaced by a fresh one, each time that the lease is in doubt; aborted for good by an interrupt. */
  #work = new AbortController()
  readonly #unwatchLease: () => void

  constructor(parts: BatchParts, events: BatchEventHub) {
    this.#parts = parts
    this.#events = events
    this.#unwatchLease = parts.store.lease.onChange((state) => {
      if (state === 'valid') this.#renewWork()
      else
        this.#work.abort(
          new LeaseLostError('This instance may have been taken for dead: its tasks must not go on.'),
        )
    })
    parts.interrupt.signal.addEventListener('abort', this.#onInterrupt)
    if (this.isInterrupted) this.#onInterrupt()
  }

  /** Whether this member leads the group. */
  get isLeader(): boolean {
    return this.#parts.claimer !== undefined
  }

  /** Whether this member's tasks are to end early. */
  get isInterrupted(): boolean {
    return this.#parts.interrupt.signal.aborted
  }

  /** A task that the group runs now. */
  taskOf(index: number): Task | undefined {
    return this.#current.get(index)
  }

  /** Claims the next task. Collective over the group. */
  async next(claimable: ClaimableStates): Promise<Task | undefined> {
    const { store, tasks, interrupt } = this.#parts
    if (interrupt.isShared ? await interrupt.isAny() : this.isInterrupted) return undefined
    const { claim, lost } = await this.#fromLeader(async (claimer) => ({
      claim: await claimer.next(claimable),
      lost: claimer.takeLost(),
    }))
    for (const index of lost) this.#tellElsewhere(index)
    if (claim === undefined) return undefined
    const definition = tasks.at(claim.taskIndex)
    if (definition === undefined) throw new UsageError(`The list of tasks has no task ${claim.taskIndex}.`)
    const task: Task = new Task(definition, {
      claim,
      directory: store.directoryOf(claim.taskIndex),
      end: (end, facts) => this.#end(task, end, facts),
      started: (process) => store.recordStart(claim, process),
      signal: this.#work.signal,
    })
    this.#current.set(task.index, task)
    this.#events.emit('claimed', { task })
    return task
  }

  /** Ends a task without the other members of the group: they may have left already. */
  async abandon(task: Task, wanted: 'FAILED' | 'OPEN'): Promise<void> {
    this.#current.delete(task.index)
    const end = this.isInterrupted ? 'OPEN' : wanted
    const record: AttemptRecord = {
      reason: end === 'FAILED' ? 'error' : 'interrupted',
      ...task.measured,
      worker: this.#parts.workers.groupIndex,
      message: 'the script left the task without ending it',
    }
    await this.#parts.claimer?.end(task.storeClaim, { end, record })
  }

  /** Gives back what the group still has, and looks at no signal any more. */
  async close(): Promise<void> {
    this.#unwatchLease()
    this.#parts.interrupt.signal.removeEventListener('abort', this.#onInterrupt)
    for (const task of this.#current.values()) await this.abandon(task, 'OPEN')
  }

  readonly #onInterrupt = (): void => this.#work.abort(this.#parts.interrupt.signal.reason)

  #renewWork(): void {
    this.#work = new AbortController()
    if (this.isInterrupted) this.#onInterrupt()
  }

  /** Lets the group's leader act, and gives what came of it, value or error, to every member. */
  async #fromLeader<T>(work: (claimer: TaskClaimer) => Promise<T>): Promise<T> {
    const { control, claimer } = this.#parts
    if (control.size === 1) {
      invariant(claimer !== undefined, 'A group of one rank must lead itself')
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
    const { control, workers } = this.#parts
    const mine: MemberEnd = {
      end,
      record: { reason: 'error', ...task.measured, worker: workers.groupIndex, ...facts },
      isInterrupted: end === 'OPEN' && this.isInterrupted,
    }
    const members = control.size === 1 ? [mine] : await control.gather(mine)
    this.#current.delete(task.index)
    try {
      const ended = await this.#fromLeader(async (claimer) => {
        const decided = decideEnd(members ?? [mine])
        const { value } = task
        const end = await claimer.end(task.storeClaim, {
          ...decided,
          ...(value === undefined ? {} : { value }),
        })
        return { end, message: decided.record.message ?? '' }
      })
      if (ended.end === 'DONE') this.#events.emit('done', { task })
      else if (ended.end === 'FAILED') this.#events.emit('failed', { task, message: ended.message })
    } catch (error) {
      if (isSuperseded(error)) this.#tellElsewhere(task.index)
      throw error
    }
  }

  #tellElsewhere(index: number): void {
    this.#events.emit('elsewhere', { index, name: this.#parts.tasks.at(index)?.name ?? '' })
  }
}

/** Whether a result was dropped because somebody else has the task now. */
export function isSuperseded(error: unknown): boolean {
  return error instanceof FencedError || error instanceof ForeignWriterError
}
