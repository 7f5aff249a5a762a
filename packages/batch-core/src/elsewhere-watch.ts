/**
 * Watches the tasks that run elsewhere, for one claimant: which come free, whom to wait for, and when to look again.
 * The slots that share a claimant share its looks.
 */
import type { ElsewhereOwner, StateStore } from './state-store.ts'
import type { StopRequest } from './stop-request.ts'
import type { TaskTable } from './task-table.ts'
import type { TokenLock } from './token-lock.ts'

/** A look at all tasks takes at most this part of the time: the pause after it is so many times as long. */
const PAUSES_PER_LOOK = 20
/** The same after a sign that something has changed. */
const PAUSES_PER_CHANGE = 4

/** What an {@link ElsewhereWatch} works with. */
export interface ElsewhereWatchOptions {
  readonly table: TaskTable
  readonly store: StateStore
  /** Guards changes of the table's queue. */
  readonly lock: TokenLock
  readonly stop: StopRequest
  /** Whether to wait for owners that live. */
  readonly wait: boolean
  /** Names of the tasks, for messages. */
  readonly nameOf: (taskIndex: number) => string
  /** Hears whom we wait for, once for each. */
  readonly onWait: (message: string) => void
}

/** What came of a look. */
export interface ElsewhereLook {
  /** Whether a task waits to be claimed now. */
  readonly found: boolean
  /** Milliseconds after which to look again; `undefined` if there is nobody to wait for. */
  readonly againInMs?: number
}

/** See the top of this file. */
export class ElsewhereWatch {
  readonly #options: ElsewhereWatchOptions
  readonly #said = new Set<string>()
  #looking: Promise<ElsewhereLook> | undefined
  #nextLookAtMs = 0
  #lookMs = 0
  #waiters = 0
  #change: { readonly controller: AbortController; readonly seen: Promise<void> } | undefined

  constructor(options: ElsewhereWatchOptions) {
    this.#options = options
  }

  /** Looks once more at tasks that ran elsewhere, and lines up those that came free, unless it has looked just now. */
  look(): Promise<ElsewhereLook> {
    if (this.#options.table.elsewhereCount === 0) return Promise.resolve({ found: false })
    const againInMs = this.#nextLookAtMs - performance.now()
    if (againInMs > 0) return Promise.resolve({ found: false, againInMs })
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Waits until another instance may have changed something, a stop is asked for, or the time is over. */
  async wait(durationMs: number): Promise<void> {
    const { store, stop } = this.#options
    if (this.#change === undefined) {
      const controller = new AbortController()
      const seen = store.changed(controller.signal).then(() => {
        if (!controller.signal.aborted)
          this.#nextLookAtMs = performance.now() + PAUSES_PER_CHANGE * this.#lookMs
        this.#change = undefined
      })
      this.#change = { controller, seen }
    }
    const { controller, seen } = this.#change
    this.#waiters += 1
    try {
      await stop.wait(durationMs, seen)
    } finally {
      this.#waiters -= 1
      if (this.#waiters === 0) controller.abort()
    }
  }

  async #look(): Promise<ElsewhereLook> {
    const { table, store, lock } = this.#options
    const startedMs = performance.now()
    const outlook = await lock.withLock(async () => {
      const found = await store.reconsider(table.tasksIn('ELSEWHERE'))
      for (const index of found.ready) {
        table.reopen(index)
        table.enqueue(index)
      }
      return found
    })
    this.#lookMs = performance.now() - startedMs
    if (outlook.ready.length > 0) return { found: true }
    const awaited = outlook.owners.filter((owner) => this.#isAwaited(owner))
    if (awaited.length === 0) return { found: false }
    for (const owner of awaited) this.#say(owner)
    const againInMs = Math.max(store.lookIntervalMs, PAUSES_PER_LOOK * this.#lookMs)
    this.#nextLookAtMs = performance.now() + againInMs
    return { found: false, againInMs }
  }

  /** Whoever may be dead is waited for in any case: nobody knows yet whether this task is left to us. */
  #isAwaited({ alive, fault }: ElsewhereOwner): boolean {
    return fault === undefined && (this.#options.wait || !alive)
  }

  #say(owner: ElsewhereOwner): void {
    const key = `${owner.owner} ${owner.alive}`
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#options.onWait(waitMessage(owner, this.#options.nameOf(owner.taskIndex)))
  }
}

function waitMessage({ owner, host, alive, taskCount, decidedInMs }: ElsewhereOwner, task: string): string {
  const others = taskCount > 1 ? ` and ${taskCount - 1} more` : ''
  const what = `task ${JSON.stringify(task)}${others}`
  if (owner === 'foreign') {
    return `Waiting for another program, which takes no claims, to end ${what}. If it does not run any more, stop and use --steal-running.`
  }
  const who = owner === 'unknown' ? 'an instance of which nothing is known' : `instance ${owner} on ${host}`
  if (alive) return `Waiting for ${who}, which runs ${what}.`
  const seconds = Math.ceil((decidedInMs ?? 0) / 1000)
  return `Waiting up to ${seconds} s for a sign of life of ${who}, which has ${what}. If there is none, they are taken over.`
}
