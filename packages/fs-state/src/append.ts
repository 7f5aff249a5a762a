/**
 * Append: the only writer of a task's events and of its `state` (`docs/state-files.md`, Append).
 *
 * Purpose: to move a task by one event, in competition with every other instance, so that exactly one of them wins
 * each slot, and a loser that sleeps in the middle can never change `state` afterwards.
 *
 * Steps: P1 write the next text of `state` as a payload; P2 make the event in its slot, which decides; P3 destroy the
 * payloads of all earlier events; P4 rename the payload to `state`; P5 sync the directory.
 *
 * Guarantees: an event is made at most once per slot. After P3, no earlier event can reach `state`. When a result's
 * append has returned, the result is as durable as was asked for.
 *
 * Failure: an error before P2 leaves nothing but a payload that is removed by whoever comes next. An error whose
 * outcome is unclear is repeated a bounded number of times, then thrown; the slot counts as tried.
 */
import { type Awaitable, catching, StateIoError } from '@mpibatch/batch-core'
import type { EventKind, TaskEvent } from './event.ts'
import type { EventTokens } from './event-token.ts'
import {
  createOwnFile,
  readSmallText,
  refreshNames,
  removeFile,
  syncDirectory,
  syncFile,
} from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { appendFirstClaim, type Moved } from './first-claim.ts'
import { codeOf, isUnclear, repeatUnclear, toStateIoError } from './io-error.ts'
import { printState } from './state-file.ts'
import { eventPath, payloadPath, payloadPrefix, statePath } from './store-paths.ts'
import { readEvent, readState } from './task-chain.ts'

/** What is synced to disk: nothing, results before they are reported, or every change. */
export type StoreDurability = 'none' | 'terminal' | 'full'

/** A point of {@link Appender.append} or {@link Appender.rollForward} that has just been passed. */
export interface AppendStep {
  readonly operation: 'append' | 'roll-forward'
  /** `begin` is before the first change. P1 to P5 are described at the top of the file. */
  readonly step: 'begin' | 'P1' | 'P2' | 'P3' | 'P4' | 'P5'
  readonly kind: EventKind
  readonly slot: number
  readonly directory: string
}

/** Hears of each step that has been passed; the append goes on when it is done. */
export type OnAppendStep = (step: AppendStep) => Awaitable<void>

/** What an {@link Appender} works with. */
export interface AppenderOptions {
  readonly files: FileLayer
  readonly tokens: EventTokens
  readonly instance: string
  readonly durability: StoreDurability
  /** Sync the directory for each CLAIM and OPEN too, where the file system may keep a later name and lose an earlier one. */
  readonly claimSync: boolean
  /** Time until a change by another machine is seen here, at worst. @defaultValue 0 */
  readonly visibilityMs?: number
  /** Hears of each step, and may hold it up; tests stop there, for a while or for ever. */
  readonly onStep?: OnAppendStep | undefined
}

/** One event to be appended. */
export interface AppendRequest {
  /** Directory of the task. */
  readonly directory: string
  /** The slot to take: one that this instance has not tried before. */
  readonly slot: number
  readonly kind: EventKind
  /** The event before is this rank's own claim and has reached `state`: no payload can be left. @defaultValue false */
  readonly afterOwnClaim?: boolean
  /** Sync as for a result. @defaultValue false */
  readonly sync?: boolean
}

/** How an append went. */
export type AppendOutcome =
  /** The slot is ours; `renamed` tells whether it was us who moved `state`, or a successor that forbade it. */
  | { readonly kind: 'won'; readonly renamed: boolean }
  /** Another event has the slot; nothing was changed. */
  | { readonly kind: 'lost' }

/** Whose the event in a slot is. */
type Whose = 'ours' | 'theirs' | 'unreadable'

/** Time between two looks whether a result is shown. */
const LOOK_MS = 100

const WORDS = { CLAIM: 'RUNNING', DONE: 'DONE', FAILED: 'FAILED', OPEN: 'OPEN' } as const

/** See the top of this file. */
export class Appender {
  readonly #options: AppenderOptions

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /**
   * Tries to append an event.
   *
   * @throws {@link StateIoError} if the file system fails. `details.slot` is the slot tried.
   */
  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { directory, slot, kind, afterOwnClaim = false } = request
    const { instance, claimSync, durability } = this.#options
    const sync = this.#syncs(request)
    const payload = payloadPath(directory, slot, instance)
    const isWatched = this.#options.onStep !== undefined
    if (isWatched) await this.#passed('append', 'begin', request)
    const claimSynced = claimSync && durability !== 'none'
    if (claimSynced && slot > 1 && !afterOwnClaim) await this.#syncDirectory(directory, slot)
    await this.#writePayload(payload, { kind, slot, sync })
    if (isWatched) await this.#passed('append', 'P1', request)
    // RUNNING under an OPEN whose payload is lost in a power cut would look like that of another program.
    if (claimSynced && kind === 'OPEN') await this.#syncDirectory(directory, slot)
    const made = await this.#makeEvent(request)
    if (made !== 'ours') {
      // One that can't be read may be ours all the same: then a successor needs the payload.
      if (made === 'theirs') this.#discard(payload)
      return { kind: 'lost' }
    }
    if (isWatched) await this.#passed('append', 'P2', request)
    // So would RUNNING that outlives its claim, or that lost the OPEN after it to a claim that is lost too.
    if (claimSynced && kind === 'CLAIM') await this.#syncDirectory(directory, slot)
    if (!afterOwnClaim) await this.clearPayloads(directory, slot)
    if (isWatched) await this.#passed('append', 'P3', request)
    const renamed = await this.#rename(payload, directory, slot)
    if (isWatched) await this.#passed('append', 'P4', request)
    if (sync) await this.#syncDirectory(directory, slot)
    if (isWatched) await this.#passed('append', 'P5', request)
    return { kind: 'won', renamed }
  }

  /** Tries to claim a task that has no directory, by making it; see {@link appendFirstClaim}. */
  async appendFirst(request: { readonly directory: string; readonly staged: string }): Promise<Moved> {
    return await appendFirstClaim(this.#options, request)
  }

  /**
   * Completes a result whose owner died before it reached `state`: the task is not run again.
   *
   * @param events - All events of the task; the last is the result.
   * @returns The highest slot that is taken or was tried, which must not be tried again.
   */
  async rollForward(directory: string, events: readonly TaskEvent[]): Promise<number> {
    const { files, durability } = this.#options
    const last = events.at(-1)
    if (last?.content === undefined) return events.length
    const { kind, instance } = last.content
    const step = { directory, slot: last.slot, kind }
    await this.#passed('roll-forward', 'begin', step)
    const payload = payloadPath(directory, last.slot, instance)
    await this.clearPayloads(directory, last.slot)
    await this.#passed('roll-forward', 'P3', step)
    const text = await this.#io({ path: payload, action: 'read', slot: last.slot }, () =>
      readSmallText(files, payload, 16),
    )
    // A payload that was never synced may have lost its text in a power cut.
    if (text === printState(WORDS[kind])) {
      if (durability !== 'none') await this.#syncPayload(payload, last.slot)
      const renamed = await this.#rename(payload, directory, last.slot)
      await this.#passed('roll-forward', 'P4', step)
      if (renamed && durability !== 'none') await this.#syncDirectory(directory, last.slot)
      await this.#passed('roll-forward', 'P5', step)
      if (renamed) return last.slot
    }
    if (await this.#isShown(directory, kind)) return last.slot
    await this.append({ directory, slot: last.slot + 1, kind })
    return last.slot + 1
  }

  /**
   * Tells whether `state` shows a result whose payload is gone. It is given the time that a change takes to be seen
   * here: a client that remembers the old text would add a second event for one result.
   */
  async #isShown(directory: string, kind: EventKind): Promise<boolean> {
    const { files, visibilityMs = 0 } = this.#options
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const state = readState(files, directory)
      if (state.kind === 'word' && state.state === WORDS[kind]) return true
      if (waitedMs >= visibilityMs) return false
      refreshNames(files, directory)
      await files.pause(LOOK_MS)
    }
  }

  /** P3: makes sure that no event before this slot can still change `state`. */
  async clearPayloads(directory: string, slot: number): Promise<void> {
    const { files } = this.#options
    for (let earlier = 1; earlier < slot; earlier += 1) {
      const path = eventPath(directory, earlier)
      await this.#io({ path, action: 'clear the way past', slot }, () => {
        // The event is read first: a payload's name must not be looked up before it can be there.
        const owner = readEvent(files, directory, earlier)?.content?.instance
        if (owner === undefined) this.#removeAllPayloads(directory, earlier)
        else removeFile(files, payloadPath(directory, earlier, owner))
      })
    }
  }

  /** Its owner may have synced less than we do. */
  async #syncPayload(path: string, slot: number): Promise<void> {
    try {
      await syncFile(this.#options.files, path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw toStateIoError(error, { path, action: 'sync', slot })
    }
  }

  #removeAllPayloads(directory: string, slot: number): void {
    const { files } = this.#options
    const prefix = payloadPrefix(slot)
    for (const { name } of files.list(directory)) {
      if (name.startsWith(prefix)) removeFile(files, `${directory}/${name}`)
    }
  }

  #syncs({ kind, sync = false }: AppendRequest): boolean {
    const { durability } = this.#options
    if (durability !== 'terminal') return durability === 'full'
    return sync || kind === 'DONE' || kind === 'FAILED'
  }

  /** P1. A try that failed is thrown away whole: a second fsync of the same descriptor would hide what was lost. */
  #writePayload(path: string, options: { kind: EventKind; slot: number; sync: boolean }): Awaitable<void> {
    const { files } = this.#options
    const { kind, slot, sync } = options
    const text = printState(WORDS[kind])
    const write = (): Awaitable<void> =>
      catching<void>(
        () => createOwnFile(files, path, { text, sync }),
        (error) => {
          if (isUnclear(error)) removeFile(files, path)
          throw error
        },
      )
    return catching<void>(
      () => repeatUnclear<void>(files, write),
      (error) => {
        this.#discard(path)
        throw toStateIoError(error, { path, action: 'write', slot })
      },
    )
  }

  /** P2. Whoever finds the slot taken by exactly this attempt has won it: the first answer was lost on the way. */
  #makeEvent(request: AppendRequest): Awaitable<Whose> {
    const { directory, slot, kind } = request
    const { files, tokens, instance } = this.#options
    const path = eventPath(directory, slot)
    let mayBeMade = false
    const make = (): Awaitable<Whose> =>
      catching<Whose>(
        () => tokens.makeEvent(kind, path)?.then(() => 'ours') ?? 'ours',
        (error) => {
          const isTaken = codeOf(error) === 'EEXIST'
          // Also if a later try fails for a clear reason, or in reading whose event it is.
          mayBeMade ||= isTaken || isUnclear(error) || error instanceof StateIoError
          if (!isTaken) throw error
          return this.#whoseEvent(request)
        },
      )
    return catching<Whose>(
      () => repeatUnclear(files, make),
      (error) => {
        // If the event may have been made, its payload must stay, so that a successor can complete the result.
        if (!mayBeMade) this.#discard(payloadPath(directory, slot, instance))
        throw toStateIoError(error, { path, action: 'make', slot, tried: mayBeMade })
      },
    )
  }

  #whoseEvent({ directory, slot, kind }: AppendRequest): Whose {
    const { files, tokens } = this.#options
    const content = readEvent(files, directory, slot)?.content
    if (content === undefined) return 'unreadable'
    return content.kind === kind && tokens.hasMade(content) ? 'ours' : 'theirs'
  }

  /** P4. A payload that is gone was destroyed by a successor, or renamed by a helper or by an earlier try. */
  #rename(payload: string, directory: string, slot: number): Awaitable<boolean> {
    const path = statePath(directory)
    let unclear = false
    return this.#io({ path, action: 'replace', slot }, () => {
      try {
        this.#options.files.rename(payload, path)
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return unclear && this.#isLast(directory, slot)
        unclear ||= isUnclear(error)
        throw error
      }
    })
  }

  /** After an unclear rename: with no successor, nobody but that rename can have taken the payload away. */
  #isLast(directory: string, slot: number): boolean {
    return readEvent(this.#options.files, directory, slot + 1) === undefined
  }

  /** P5. A sync that failed is not repeated: a later success would say nothing about what was lost. */
  async #syncDirectory(directory: string, slot: number): Promise<void> {
    try {
      await syncDirectory(this.#options.files, directory)
    } catch (error) {
      throw toStateIoError(error, { path: directory, action: 'sync', slot, tried: true })
    }
  }

  #io<T>(where: { path: string; action: string; slot: number }, call: () => T): Awaitable<T> {
    return catching<T>(
      () => repeatUnclear(this.#options.files, call),
      (error) => {
        throw toStateIoError(error, { ...where, tried: true })
      },
    )
  }

  #discard(path: string): void {
    try {
      removeFile(this.#options.files, path)
    } catch {
      // The error that brought us here is the one to tell; a payload without an event harms nobody.
    }
  }

  async #passed(
    operation: AppendStep['operation'],
    step: AppendStep['step'],
    at: AppendRequest,
  ): Promise<void> {
    const { directory, slot, kind } = at
    await this.#options.onStep?.({ operation, step, directory, slot, kind })
  }
}
