/** What a batch tells while it works: the events of {@link Batch.on}, and who hears them. */
import { UsageError } from './errors.ts'
import type { Task } from './task.ts'
import type { TableState } from './task-state.ts'

/** Number of tasks by state, as this batch sees them. */
export type TaskCounts = Readonly<Record<TableState, number>>

/** A task that this worker group has claimed or ended. */
export interface TaskEvent {
  readonly task: Task
}

/** A task of this worker group that has failed. */
export interface TaskFailedEvent extends TaskEvent {
  /** One line on what went wrong; empty if nothing was said. With several members that failed, the first one's. */
  readonly message: string
}

/** A task that this worker group could not have, or whose result came too late. */
export interface TaskElsewhereEvent {
  /** Position in the list of tasks, from 0. */
  readonly index: number
  /** The task's name. */
  readonly name: string
}

/**
 * The events of {@link Batch.on}, by name. Those about tasks are heard on every member of the worker group that has the
 * task, `progress` on every rank that listens.
 */
export interface BatchEvents {
  /** The group has a task; heard before `nextTask` returns it. */
  readonly claimed: TaskEvent
  /** The task is DONE, as durably as was asked for. */
  readonly done: TaskEvent
  /** The task is FAILED; it may run again if retries are left. */
  readonly failed: TaskFailedEvent
  /** Another instance got the task that the group tried to claim, or took it over while it ran here. */
  readonly elsewhere: TaskElsewhereEvent
  /**
   * Number of tasks by state, of all groups: at most every 200 ms and only if one has changed, and a last time when the
   * batch is closed. It does not keep the process alive, and waits while a task computes without a pause.
   */
  readonly progress: TaskCounts
}

/** Name of an event of {@link Batch.on}. */
export type BatchEventName = keyof BatchEvents

const EVENT_NAMES: readonly BatchEventName[] = ['claimed', 'done', 'failed', 'elsewhere', 'progress']

/** Hears one kind of event. */
export type BatchListener<Name extends BatchEventName> = (event: BatchEvents[Name]) => unknown

/** Between two looks at the counts, milliseconds. */
const PROGRESS_MS = 200

/** What a {@link BatchEventHub} works with. */
export interface BatchEventHubOptions {
  /** Number of tasks by state, now. */
  readonly counts: () => TaskCounts
  /** Hears of a listener that threw. */
  readonly onFault: (message: string) => void
}

/** Calls the listeners of a batch on this rank, and asks for the counts while somebody wants to hear of them. @internal */
export class BatchEventHub {
  readonly #options: BatchEventHubOptions
  readonly #listeners = new Map<BatchEventName, Set<(event: never) => unknown>>()
  #timer: NodeJS.Timeout | undefined
  #lastCounts: TaskCounts | undefined
  #closed = false

  constructor(options: BatchEventHubOptions) {
    this.#options = options
  }

  /** Adds a listener. @returns Takes it away again. */
  on<Name extends BatchEventName>(name: Name, listener: BatchListener<Name>): () => void {
    if (!EVENT_NAMES.includes(name)) {
      throw new UsageError(
        `A batch has no event ${JSON.stringify(name)}. There are ${EVENT_NAMES.join(', ')}.`,
      )
    }
    // One that is added twice is called twice, and taken away by halves.
    const own = (event: BatchEvents[Name]): unknown => listener(event)
    const listeners = this.#listeners.get(name) ?? new Set()
    listeners.add(own)
    this.#listeners.set(name, listeners)
    if (name === 'progress') this.#watchProgress()
    return () => {
      listeners.delete(own)
      if (name === 'progress' && listeners.size === 0) this.#ignoreProgress()
    }
  }

  /** Calls the listeners of an event, in the order in which they came. One that throws is told of, and taken away. */
  emit<Name extends BatchEventName>(name: Name, event: BatchEvents[Name]): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined) return
    for (const listener of [...listeners]) {
      const drop = (error: unknown): void => {
        if (!listeners.delete(listener)) return
        this.#options.onFault(
          `A listener of the event "${name}" threw, and is not called any more; the batch goes on. ${describe(error)}`,
        )
      }
      try {
        const returned = listener(event as never)
        if (returned instanceof Promise) returned.catch(drop)
      } catch (error) {
        drop(error)
      }
    }
  }

  /** Tells the counts a last time, and ends. */
  close(counts: TaskCounts): void {
    if (this.#closed) return
    this.#closed = true
    this.#ignoreProgress()
    this.emit('progress', counts)
  }

  #watchProgress(): void {
    if (this.#closed || this.#timer !== undefined) return
    // What stands there at first is no news.
    this.#lastCounts = this.#options.counts()
    this.#timer = setInterval(() => this.#lookAtProgress(), PROGRESS_MS).unref()
  }

  #ignoreProgress(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #lookAtProgress(): void {
    const counts = this.#options.counts()
    const last = this.#lastCounts
    if (last !== undefined && sameCounts(counts, last)) return
    this.#lastCounts = counts
    this.emit('progress', counts)
  }
}

function sameCounts(one: TaskCounts, other: TaskCounts): boolean {
  return Object.entries(one).every(([state, count]) => other[state as TableState] === count)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
