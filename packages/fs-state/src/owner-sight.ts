/**
 * What can be told of an instance by looking once: nothing is waited for, ended or written. Who has to be sure asks
 * `Owners`, which also watches for signs of life.
 */
import { hasEndedLife, type InstanceFiles } from './instance.ts'
import { isBeforeReboot, isGone, isSameMachine, type ProcessIdentity } from './process-identity.ts'

/**
 * How much a look tells of an instance. Dead: its life log says `exited` or `declared-dead`; it ran before a reboot
 * (`rebooted`) of this machine, on whose disk the root is; its process was on this machine (`process-gone`). Alive:
 * `process-runs` on this machine. Open: it runs where this process can't see it (`out-of-sight`), or nothing is known
 * of it (`unregistered`).
 */
export type OwnerSight =
  | 'exited'
  | 'declared-dead'
  | 'rebooted'
  | 'process-gone'
  | 'process-runs'
  | 'out-of-sight'
  | 'unregistered'

const DEAD: ReadonlySet<OwnerSight> = new Set(['exited', 'declared-dead', 'rebooted', 'process-gone'])

/**
 * Looks at an instance.
 *
 * @param self - This process.
 * @param local - Whether the root is on a file system that this machine alone can have mounted.
 */
export function sightOf(found: InstanceFiles, self: ProcessIdentity, local: boolean): OwnerSight {
  const { info, life } = found
  if (hasEndedLife(found)) return life === 'EXITED' ? 'exited' : 'declared-dead'
  if (info === undefined) return 'unregistered'
  if (local && isBeforeReboot(self, info)) return 'rebooted'
  if (!isSameMachine(self, info)) return 'out-of-sight'
  return isGone(info) ? 'process-gone' : 'process-runs'
}

/** Tells whether an instance seen so is dead. */
export function isDeadBySight(sight: OwnerSight): boolean {
  return DEAD.has(sight)
}

/** Tells whether an instance may live, by a look. Parameters as those of {@link sightOf}. */
export function looksAlive(found: InstanceFiles, self: ProcessIdentity, local: boolean): boolean {
  return !isDeadBySight(sightOf(found, self, local))
}
