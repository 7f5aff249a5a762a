import type { Awaitable } from './awaitable.ts'
import { UsageError } from './errors.ts'
import type { AttemptProcess, AttemptRecord, StoreClaim } from './state-store.ts'
import type { TaskEnd } from './task-claimer.ts'
import type { TaskDefinition, TaskValue } from './task-definition.ts'

/** Facts about an attempt that its runner knows better than the batch. */
export type AttemptFacts = Partial<AttemptRecord>

/** Who hears what becomes of a task, on behalf of one member of its group. @internal */
export interface TaskKeeper {
  /** Ends the task. */
  readonly end: (task: Task, end: TaskEnd, facts: AttemptFacts) => Awaitable<void>
  /** Hears which process runs it. */
  readonly noteStart: (task: Task, process: AttemptProcess) => void
}

/** What a task is made of. @internal */
export interface TaskParts {
  readonly claim: StoreClaim
  readonly directory: string | undefined
  readonly keeper: TaskKeeper
  readonly signal: AbortSignal
}

/**
 * A task that this worker group has claimed. Every member of the group holds one.
 *
 * {@link Task.done}, {@link Task.fail} and {@link Task.release} are collective over the group: each member calls one
 * of them, once. The task is FAILED if any member failed, else given back if any member released it, else DONE.
 */
export class Task {
  /** Position in the list of tasks, from 0. */
  readonly index: number
  /** The task's name. */
  readonly name: string
  /** The values that the task was given; empty if it has only a name. */
  readonly values: Readonly<Record<string, TaskValue>>
  /** The task's directory, for its results; `undefined` in a batch without a root. */
  readonly directory: string | undefined
  /** How many times the task has been claimed: 1 at first. */
  readonly attempt: number
  /** The fencing token: greater with every claim of this task. Results named after it can't be mixed up. */
  readonly claim: number
  /**
   * Asks the work to stop early; give it to what the work waits for, or call `signal.throwIfAborted()` now and then.
   *
   * Aborted with the reason of `interrupt` of `openBatch`: the task is then best given back, as an exception in
   * `batch.run` does. Also aborted, with a {@link LeaseLostError}, when this instance may have been taken for dead,
   * because it could not renew its lease in time: another one may soon run the task. A result that is there may still be
   * reported.
   */
  readonly signal: AbortSignal
  /** Wall-clock time of the claim, milliseconds since 1970. */
  readonly startedAtMs: number = Date.now()
  /** The claim as the store knows it. @internal */
  readonly storeClaim: StoreClaim
  /** What is to be kept with the task when it is DONE, JSON; on the group's leader. @internal */
  value: string | undefined
  readonly #startedMs = performance.now()
  readonly #keeper: TaskKeeper
  #ended = false

  /** @internal */
  constructor(definition: TaskDefinition, options: TaskParts) {
    this.index = options.claim.taskIndex
    this.name = definition.name
    this.values = definition.values ?? {}
    this.directory = options.directory
    this.attempt = options.claim.attempt
    this.claim = options.claim.slot
    this.signal = options.signal
    this.storeClaim = options.claim
    this.#keeper = options.keeper
  }

  /** Milliseconds since the claim, by a monotonic clock. @internal */
  get durationMs(): number {
    return performance.now() - this.#startedMs
  }

  /** Whether this member has ended the task. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * Notes the process group that runs the task, so that after a crash of this process a successor finds and ends it
   * before the task runs again. For scripts that start a command of their own; not collective.
   */
  recordProcess(process: AttemptProcess): void {
    this.#keeper.noteStart(this, process)
  }

  /**
   * Marks the task DONE. Collective over the group. With a root it resolves when DONE is on disk (`durability`).
   *
   * @throws {@link FencedError} if another instance took the task over: this result does not count.
   * @throws {@link ForeignWriterError} if a program that takes no claims changed the task's state.
   * @throws {@link UsageError} if this member has ended the task before.
   */
  done(facts: AttemptFacts = {}): Promise<void> {
    return this.#endLater('DONE', { reason: 'done', ...facts })
  }

  /**
   * Marks the task FAILED; it runs again later if retries are left. Collective over the group.
   *
   * @param error - Why; its message is kept with the attempt.
   * @throws As {@link Task.done}.
   */
  fail(error?: unknown, facts: AttemptFacts = {}): Promise<void> {
    return this.#endLater('FAILED', { reason: 'error', ...messageOf(error), ...facts })
  }

  /** Gives the task back: it is OPEN again. Collective over the group. Throws as {@link Task.done}. */
  release(facts: AttemptFacts = {}): Promise<void> {
    return this.#endLater('OPEN', { reason: 'interrupted', ...facts })
  }

  /**
   * Ends the task as the three above do, and at once where nothing has to be waited for.
   *
   * @internal
   */
  end(end: TaskEnd, facts: AttemptFacts): Awaitable<void> {
    this.#markEnded()
    return this.#keeper.end(this, end, facts)
  }

  /** That a task was ended before is thrown, so that it shows where nobody waits for the promise. */
  #endLater(end: TaskEnd, facts: AttemptFacts): Promise<void> {
    this.#markEnded()
    return new Promise((resolve) => resolve(this.#keeper.end(this, end, facts)))
  }

  #markEnded(): void {
    if (this.#ended) {
      throw new UsageError(
        `Task ${JSON.stringify(this.name)} was ended twice. Call done, fail or release once.`,
      )
    }
    this.#ended = true
  }
}

/** Longest error message that is kept with an attempt. */
const MESSAGE_LENGTH_MAX = 500

function messageOf(error: unknown): AttemptFacts {
  if (error === undefined) return {}
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { message: text.split('\n', 1)[0]?.slice(0, MESSAGE_LENGTH_MAX) ?? '' }
}
