/**
 * The first claim of a task that has no directory yet: an append to slot 1 that brings the directory with it
 * (`docs/state-files.md`, Append).
 *
 * Purpose: a new task costs half as many calls, nothing is replaced, and nobody sees it without a state or unclaimed.
 *
 * Steps: P1 builds a directory elsewhere, with the event CLAIM and `state` RUNNING; P2 moves it to its place, which
 * decides, since no system moves a directory over one that holds something. There is nothing for P3 to remove and for P4
 * to rename. P5 syncs the directory where claims are synced.
 *
 * Failure: P1 begins again after an unclear error, and first takes away the state that the earlier try has written. An error
 * before P2 leaves nothing. After one that leaves open whether the move took effect, what was built is
 * left as it is: it may be on its way.
 */
import { type Awaitable, catching, whenThere } from '@mpibatch/batch-core'
import type { AppendStep, OnAppendStep, StoreDurability } from './append.ts'
import type { EventTokens } from './event-token.ts'
import { createOwnFile, makeDirectory, makeOwn, removeFile, syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { isUnclear, repeatUnclear, toStateIoError } from './io-error.ts'
import { printState } from './state-file.ts'
import { eventPath, statePath } from './store-paths.ts'
import { readEvent } from './task-chain.ts'
import { discardStaged, moveDirectory } from './task-directories.ts'

/** What a first claim works with; a part of what an {@link Appender} does. */
export interface FirstClaimOptions {
  readonly files: FileLayer
  readonly tokens: EventTokens
  readonly durability: StoreDurability
  readonly onStep?: OnAppendStep | undefined
}

/** What came of a first claim: `lost` if something has the task's name, and slot 1 was not tried; `tried` if it may have been. */
export type Moved = 'won' | 'lost' | 'tried'

/**
 * Tries to claim a task by making its directory.
 *
 * @param request - `staged` is a name that nobody else uses.
 * @throws {@link StateIoError}
 */
export async function appendFirstClaim(
  options: FirstClaimOptions,
  request: { readonly directory: string; readonly staged: string },
): Promise<Moved> {
  const { files, durability } = options
  const { directory, staged } = request
  const sync = durability === 'full'
  const { onStep } = options
  const passed = (step: AppendStep['step']): Awaitable<void> =>
    onStep?.({ operation: 'append', step, kind: 'CLAIM', slot: 1, directory })
  if (onStep !== undefined) await passed('begin')
  await build(options, { directory, staged, sync })
  if (onStep !== undefined) await passed('P1')
  const moved = await move(options, request)
  if (moved !== 'won') return moved
  if (onStep !== undefined) for (const step of ['P2', 'P3', 'P4'] as const) await passed(step)
  try {
    if (sync) await syncDirectory(files, directory)
  } catch (error) {
    throw toStateIoError(error, { path: directory, action: 'sync', slot: 1, tried: true })
  }
  if (onStep !== undefined) await passed('P5')
  return 'won'
}

/** P1. */
function build(
  { files, tokens }: FirstClaimOptions,
  {
    directory,
    staged,
    sync,
  }: { readonly directory: string; readonly staged: string; readonly sync: boolean },
): Awaitable<void> {
  const writeState = (): Awaitable<void> =>
    createOwnFile(files, statePath(staged), { text: printState('RUNNING'), sync })
  const make = (): Awaitable<void> => {
    // The event comes before the state, and goes after it: what a power cut may leave of a state without its event would
    // look like that of another program.
    if (!makeDirectory(files, staged)) removeFile(files, statePath(staged))
    const event = eventPath(staged, 1)
    const made = makeOwn(files, event, () => tokens.makeEvent('CLAIM', event))
    return whenThere(made, writeState)
  }
  return catching<void>(
    () => repeatUnclear<void>(files, make),
    (error) => {
      discardStaged(files, staged)
      throw toStateIoError(error, { path: directory, action: 'make' })
    },
  )
}

/** P2. */
function move(
  { files, tokens }: FirstClaimOptions,
  { directory, staged }: { readonly directory: string; readonly staged: string },
): Awaitable<Moved> {
  const moveOnce = (): Moved => {
    const refusal = moveDirectory(files, staged, directory)
    if (refusal === undefined) return 'won'
    const event = readEvent(files, directory, 1)
    const content = event?.content
    if (content?.kind === 'CLAIM' && tokens.hasMade(content)) return 'won'
    if (refusal.isTaken) {
      discardStaged(files, staged)
      return 'lost'
    }
    // Nobody has taken the place, so the answer was no more than an error, and slot 1 must not be passed over.
    if (event === undefined && isUnclear(refusal.error)) throw refusal.error
    return 'tried'
  }
  return catching<Moved>(
    () => repeatUnclear(files, moveOnce),
    (error) => {
      throw toStateIoError(error, { path: directory, action: 'make', slot: 1, tried: true })
    },
  )
}
