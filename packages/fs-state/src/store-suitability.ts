/**
 * Whether a root's file system can hold a store, and how it must be used: from its mount options, from three calls that
 * every store needs, and from what `mpibatch doctor` has found there. Asked at every start, before anything is claimed.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { StoreUnusableError } from '@mpibatch/batch-core'
import type { EventMedium } from './event-token.ts'
import { openNew, removeFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { batchOf, hasEndedLife, listInstances, readInstance } from './instance.ts'
import { codeOf } from './io-error.ts'
import { mountHazards } from './mount-hazards.ts'
import { isSameMachine, ownIdentity } from './process-identity.ts'
import { readSavedVerdict } from './saved-verdict.ts'
import type { StoreSession } from './store-session.ts'

/** How a root must be used. */
export interface Suitability {
  /** Why a second instance must not work beside another; `undefined` if it may. */
  readonly singleReason: string | undefined
  /** What the user has to know, a sentence each. */
  readonly warnings: readonly string[]
  /** How events are made. */
  readonly medium: EventMedium
  /** What the doctor measured between two machines, milliseconds; `null` if it did not. */
  readonly visibilityMs: number | null
}

const ELSEWHERE = 'Put only the outputs of tasks there, and choose another --root.'

/**
 * Finds out how a root must be used.
 *
 * @throws {@link StoreUnusableError} if it can't hold a store; the message says why.
 */
export function judgeSuitability(files: FileLayer, root: string): Suitability {
  const saved = readSavedVerdict(files, root)
  if (saved?.use === 'none') {
    throw new StoreUnusableError(
      `The task root ${root} is not safe, as "mpibatch doctor" found on ${saved.date.slice(0, 10)}: ${saved.reason} Choose another --root; or mend it, and run "mpibatch doctor ${root}" again.`,
      { details: { root, reason: saved.reason } },
    )
  }
  const mount = files.mountOf(root)
  const hazards = mountHazards(mount, fileSystemClass(files.fileSystemType(root), mount))
  const single = hazards.find(({ singleInstance }) => singleInstance)
  const found = saved?.use === 'single-instance' ? saved.reason : undefined
  return {
    singleReason: single === undefined ? found : `${single.message} ${single.advice}`,
    warnings: hazards.flatMap(({ singleInstance, message, advice }) =>
      singleInstance ? [] : [`${message} ${advice}`],
    ),
    medium: saved?.medium ?? 'link',
    visibilityMs: saved?.visibilityMs ?? null,
  }
}

/**
 * Makes sure that names can be made exclusively in a directory, renamed and removed.
 *
 * @param directory - That of an instance, in which nobody else works.
 * @throws {@link StoreUnusableError} if not.
 */
export function checkNeededCalls(files: FileLayer, root: string, directory: string): void {
  const path = `${directory}/probe`
  const renamed = `${directory}/probed`
  // Nobody else makes it, so whoever is told that it is there has made it: the first answer was lost.
  isRefused(files, path)
  if (!isRefused(files, path)) {
    throw new StoreUnusableError(
      `The file system of the task root ${root} makes a file twice that must not exist: two instances would both have the same task. ${ELSEWHERE}`,
      { details: { root } },
    )
  }
  try {
    files.rename(path, renamed)
  } catch (error) {
    const code = codeOf(error)
    // ENOENT: it was renamed, and that answer was lost.
    if (NO_RENAME.has(code)) {
      throw new StoreUnusableError(
        `The file system of the task root ${root} can't rename files (${code}). ${ELSEWHERE}`,
        { cause: error, details: { root, code } },
      )
    }
    if (code !== 'ENOENT') throw error
  }
  removeFile(files, renamed)
}

/** What a file system says that has no renaming. */
const NO_RENAME = new Set(['ENOSYS', 'ENOTSUP', 'EPERM', 'EXDEV', 'EINVAL'])

function isRefused(files: FileLayer, path: string): boolean {
  try {
    files.close(openNew(files, path))
    return false
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return true
    throw error
  }
}

/**
 * Makes sure that no other instance works on a root where only one may. Of two that register at the same time, each
 * looks after it can be seen itself, so that they don't both go on. Who may be dead is waited for until that is known.
 * The processes of one job on one machine count as one: they share the tasks in memory.
 *
 * @throws {@link StoreUnusableError} that names the other.
 */
export async function checkAlone(
  session: Pick<StoreSession, 'files' | 'root' | 'instance' | 'owners' | 'ticket'>,
  { singleReason }: Suitability,
): Promise<void> {
  if (singleReason === undefined) return
  const { files, root, instance, ticket } = session
  const self = ownIdentity()
  for (const other of listInstances(files, root)) {
    if (other === instance) continue
    const found = readInstance(files, root, other)
    // Who has not registered completely looks for others later than we do.
    if (found.life === undefined || hasEndedLife(found)) continue
    const { info } = found
    const isOfOurJob = info !== undefined && batchOf(info) === batchOf(ticket)
    if (isOfOurJob && isSameMachine(self, info)) continue
    // The rest of our job has just told us to come, so there is nothing to find out.
    if (!isOfOurJob && (await isDead(session, other))) continue
    const where = info === undefined ? '' : ` on ${info.host}, process ${info.pid}`
    const advice = isOfOurJob
      ? 'Run the job on one machine, or choose another --root.'
      : 'Wait until it has ended.'
    throw new StoreUnusableError(
      `The task root ${root} allows one instance at a time, and instance ${other}${where} works on it. ${singleReason} ${advice}`,
      { details: { root, instance: other, reason: singleReason } },
    )
  }
}

/** Tells whether an instance is dead; waits where only its silence can tell. */
async function isDead(
  { owners, ticket }: Pick<StoreSession, 'owners' | 'ticket'>,
  instance: string,
): Promise<boolean> {
  let verdict = await owners.judge(instance)
  while (!verdict.dead && !verdict.alive) {
    await pause(Math.min(verdict.decidedInMs ?? 0, ticket.timings.heartbeatMs))
    verdict = await owners.judge(instance)
  }
  return verdict.dead
}
