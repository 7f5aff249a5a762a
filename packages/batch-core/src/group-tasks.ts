/**
 * Claims and ends tasks for a worker group: the leader acts, and every member learns what came of it. One per batch and
 * rank; `batch.ts` is what users see of it.
 */
import { type Awaitable, catching, whenThere } from './awaitable.ts'
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
import type { AttemptProcess, AttemptRecord, StoreClaim } from './state-store.ts'
import { type AttemptFacts, Task, type TaskKeeper } from './task.ts'
import type { TaskClaimer, TaskEnd, WantedEnd } from './task-claimer.ts'
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
export class GroupTasks implements TaskKeeper {
  readonly #parts: BatchParts
  readonly #events: BatchEventHub
  readonly #current = new Map<number, Task>()
  /** Aborted, and replaced by a fresh one, each time that the lease is in doubt; aborted for good by an interrupt. */
  #work = new AbortController()
  /** Its signal: asking the controller for it costs as much as the rest of a task's object. */
  #signal = this.#work.signal
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
  next(claimable: ClaimableStates): Awaitable<Task | undefined> {
    if (this.#parts.control.size > 1) return this.#nextTogether(claimable)
    if (this.isInterrupted) return undefined
    const claimer = this.#ownClaimer()
    return whenThere(claimer.next(claimable), (claim) => this.#begin(claim, claimer.takeLost()))
  }

  async #nextTogether(claimable: ClaimableStates): Promise<Task | undefined> {
    const { interrupt } = this.#parts
    if (interrupt.isShared ? await interrupt.isAny() : this.isInterrupted) return undefined
    const { claim, lost } = await this.#fromLeader(async (claimer) => ({
      claim: await claimer.next(claimable),
      lost: claimer.takeLost(),
    }))
    return this.#begin(claim, lost)
  }

  #begin(claim: StoreClaim | undefined, lost: readonly number[]): Task | undefined {
    for (const index of lost) this.#tellElsewhere(index)
    if (claim === undefined) return undefined
    const { store, tasks } = this.#parts
    const definition = tasks.at(claim.taskIndex)
    if (definition === undefined) throw new UsageError(`The list of tasks has no task ${claim.taskIndex}.`)
    const directory = store.directoryOf(claim.taskIndex)
    const task = new Task(definition, { claim, directory, keeper: this, signal: this.#signal })
    this.#current.set(task.index, task)
    this.#events.emit('claimed', { task })
    return task
  }

  /** Notes that a process runs a task. */
  noteStart(task: Task, process: AttemptProcess): void {
    this.#parts.store.recordStart(task.storeClaim, process)
  }

  /** Ends a task without the other members of the group: they may have left already. */
  async abandon(task: Task, wanted: 'FAILED' | 'OPEN'): Promise<void> {
    this.#current.delete(task.index)
    const end = this.isInterrupted ? 'OPEN' : wanted
    const record: AttemptRecord = {
      reason: end === 'FAILED' ? 'error' : 'interrupted',
      startedAtMs: task.startedAtMs,
      durationMs: task.durationMs,
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
    this.#signal = this.#work.signal
    if (this.isInterrupted) this.#onInterrupt()
  }

  /** Of a group of one rank, which need not ask anybody. */
  #ownClaimer(): TaskClaimer {
    const { claimer } = this.#parts
    invariant(claimer !== undefined, 'A group of one rank must lead itself')
    return claimer
  }

  /** Lets the group's leader act, and gives what came of it, value or error, to every member. Collective over the group. */
  async #fromLeader<T>(work: (claimer: TaskClaimer) => Promise<T>): Promise<T> {
    const { control, claimer } = this.#parts
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

  /** Ends a task. Collective over the group. */
  end(task: Task, end: TaskEnd, facts: AttemptFacts): Awaitable<void> {
    const { control, workers } = this.#parts
    const mine: MemberEnd = {
      end,
      record: {
        reason: 'error',
        startedAtMs: task.startedAtMs,
        durationMs: task.durationMs,
        worker: workers.groupIndex,
        ...facts,
      },
      isInterrupted: end === 'OPEN' && this.isInterrupted,
    }
    return catching<void>(
      () => (control.size > 1 ? this.#endTogether(task, mine) : this.#endAlone(task, mine)),
      (error) => {
        if (isSuperseded(error)) this.#tellElsewhere(task.index)
        throw error
      },
    )
  }

  #endAlone(task: Task, { end, record }: MemberEnd): Awaitable<void> {
    const { value } = task
    this.#current.delete(task.index)
    const wanted: WantedEnd = value === undefined ? { end, record } : { end, record, value }
    const ended = this.#ownClaimer().end(task.storeClaim, wanted)
    return whenThere(ended, (how) => this.#tellEnd(task, how, record.message))
  }

  async #endTogether(task: Task, mine: MemberEnd): Promise<void> {
    const members = await this.#parts.control.gather(mine)
    this.#current.delete(task.index)
    const { end, message } = await this.#fromLeader(async (claimer) => {
      const { value } = task
      const decided = decideEnd(members ?? [mine])
      const { end, record } = decided
      return {
        end: await claimer.end(
          task.storeClaim,
          value === undefined ? { end, record } : { end, record, value },
        ),
        message: record.message,
      }
    })
    this.#tellEnd(task, end, message)
  }

  #tellEnd(task: Task, end: TaskEnd, message = ''): void {
    if (end === 'DONE') this.#events.emit('done', { task })
    else if (end === 'FAILED') this.#events.emit('failed', { task, message })
  }

  #tellElsewhere(index: number): void {
    this.#events.emit('elsewhere', { index, name: this.#parts.tasks.at(index)?.name ?? '' })
  }
}

/** Whether a result was dropped because somebody else has the task now. */
export function isSuperseded(error: unknown): boolean {
  return error instanceof FencedError || error instanceof ForeignWriterError
}
