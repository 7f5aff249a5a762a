import { type LivenessOptions, MpibatchError } from '@mpibatch/batch-core'
import type { OnAppendStep, StoreDurability } from './append.ts'
import { systemClock } from './clock.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { waitForGc } from './gc-guard.ts'
import type { StartHeartbeat } from './heartbeat-runner.ts'
import { type InstanceInfo, registerInstance } from './instance.ts'
import type { JobStates } from './job-states.ts'
import { Lease } from './lease.ts'
import { defaultTimings, resolveTimings, withVisibility } from './liveness-timings.ts'
import { prepareRoot, unusable } from './root-check.ts'
import { StoreSession } from './store-session.ts'
import { checkAlone, checkNeededCalls, judgeSuitability, type Suitability } from './store-suitability.ts'

/** What {@link registerSession} needs. */
export interface RegisterOptions {
  /** The task root, absolute; made if it is missing. */
  readonly root: string
  readonly files: FileLayer
  readonly durability: StoreDurability
  readonly crashLimit: number
  readonly command: string | undefined
  readonly onStep: OnAppendStep | undefined
  /** Times that were chosen; the rest follows the file system. */
  readonly liveness?: LivenessOptions | undefined
  /** @defaultValue none: this instance holds no task for longer than a call */
  readonly startHeartbeat?: StartHeartbeat | undefined
  /** @defaultValue nobody is asked */
  readonly jobs?: JobStates | undefined
  /** The instance that opened the batch which this one joins. @defaultValue this one opens its own */
  readonly batch?: string
  /** What this instance is, if it is no run. */
  readonly role?: InstanceInfo['role']
}

/**
 * Registers this process as an instance of a root, as its rank 0, and buries instances of this machine that have died.
 *
 * @throws {@link StoreUnusableError} if the root can't hold a store, or "mpibatch gc" is at work on it.
 */
export async function registerSession(options: RegisterOptions): Promise<StoreSession> {
  const { root, files, durability, crashLimit, command, onStep, startHeartbeat, jobs, batch, role } = options
  const sync = durability !== 'none'
  await prepareRoot(files, root, { sync })
  try {
    const suitability = judgeSuitability(files, root)
    const mount = files.mountOf(root)
    const fileSystem = fileSystemClass(files.fileSystemType(root), mount)
    const defaults = withVisibility(defaultTimings(fileSystem, mount), suitability.visibilityMs ?? 0)
    const timings = resolveTimings(defaults, options.liveness ?? {})
    const start = systemClock.now()
    const { instance } = await registerInstance(files, root, {
      ...{ command, liveness: timings, sync, batch },
      ...(role === undefined ? {} : { role }),
    })
    const { claimSync } = fileSystem
    const { medium, warnings } = suitability
    const plain = { root, instance, durability, claimSync, crashLimit, timings, medium, batch }
    const common = { proc: 0, files, onStep, jobs, warnings }
    if (startHeartbeat === undefined)
      return await begin(new StoreSession({ ...common, ticket: plain }), options, suitability)
    const { words } = Lease.create(start, timings)
    const heartbeat = startHeartbeat({ root, instance, words, timings, sync })
    const ticket = { ...plain, leaseWords: words }
    return await begin(new StoreSession({ ...common, ticket, heartbeat }), options, suitability)
  } catch (error) {
    throw error instanceof MpibatchError ? error : unusable(root, error)
  }
}

async function begin(
  session: StoreSession,
  { role }: RegisterOptions,
  suitability: Suitability,
): Promise<StoreSession> {
  const { files, root, instance, directory } = session
  try {
    checkNeededCalls(files, root, directory)
    const { local } = fileSystemClass(files.fileSystemType(root), files.mountOf(root))
    if (role !== 'gc') await waitForGc({ files, root, instance, local })
    await session.owners.buryAll()
    await checkAlone(session, suitability)
    return session
  } catch (error) {
    await session.close().catch(() => undefined)
    throw error
  }
}
