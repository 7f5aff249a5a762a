/**
 * Keeps `mpibatch gc` and everybody else apart (`docs/state-files.md`, gc).
 *
 * gc frees names whose being taken is what stops an owner that wakes late. So it begins only when every other instance
 * is proven to be gone, and nobody begins while a gc is not proven to be gone. Both sides register first and look then,
 * so of two that come at once at least one sees the other; gc gives way. Silence proves nothing here: whoever was
 * declared dead for it may wake.
 */
import { StoreUnusableError } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import { type InstanceFiles, listInstances, readInstance } from './instance.ts'
import {
  isBeforeReboot,
  isGone,
  isSameMachine,
  ownIdentity,
  type ProcessIdentity,
} from './process-identity.ts'

/** Times that a newcomer looks whether a gc has ended, and the pause between two looks. */
const LOOKS_MAX = 50
const LOOK_INTERVAL_MS = 100

/** Who looks, and from where. */
export interface Guard {
  readonly files: FileLayer
  readonly root: string
  /** The instance that looks. */
  readonly instance: string
  /** Whether the root is on a file system that this machine alone can have mounted. */
  readonly local: boolean
}

/**
 * Tells whether an instance can't do anything any more: it said so itself, or its process was on this machine and is
 * gone, or this machine, whose disk the root is on, was started anew since. One that never got to `life.1` counts as
 * gone: when it does, it looks who is there, and goes.
 */
export function isProvenGone(found: InstanceFiles, self: ProcessIdentity, local: boolean): boolean {
  const { info, life } = found
  if (life === 'EXITED' || life === undefined) return true
  if (info === undefined) return false
  return (local && isBeforeReboot(self, info)) || (isSameMachine(self, info) && isGone(info))
}

/** All other instances that may still do something. */
export function findPresent({ files, root, instance, local }: Guard): readonly InstanceFiles[] {
  const self = ownIdentity()
  return listInstances(files, root)
    .filter((other) => other !== instance)
    .map((other) => readInstance(files, root, other))
    .filter((found) => !isProvenGone(found, self, local))
}

/**
 * Waits a little for a gc that is about to give way to this instance, which has registered before.
 *
 * @throws {@link StoreUnusableError} if it goes on.
 */
export async function waitForGc(guard: Guard): Promise<void> {
  for (let look = 1; ; look += 1) {
    const gc = findPresent(guard).find(({ info }) => info?.role === 'gc')
    if (gc === undefined) return
    if (look === LOOKS_MAX) {
      throw new StoreUnusableError(
        `"mpibatch gc" is at work on ${guard.root}: ${describeInstance(gc)}. Run again when it has ended. If it does not run any more, complete it with "mpibatch gc --assert-stopped".`,
        { details: { root: guard.root, instances: [gc.instance] } },
      )
    }
    await guard.files.pause(LOOK_INTERVAL_MS)
  }
}

/** An instance, for people. */
export function describeInstance({ instance, info, life }: InstanceFiles): string {
  if (info === undefined) return `instance ${instance}, of which nothing more is known`
  const since = new Date(info.startedAtMs).toISOString()
  const silent = life === 'DEAD' ? ', silent since' : ''
  return `instance ${instance} on ${info.host}, process ${info.pid}, of ${since}${silent}`
}
