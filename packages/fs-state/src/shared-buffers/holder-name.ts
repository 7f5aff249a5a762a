/**
 * Names of holders' directories: they say which process a holder belongs to, so that others can tell whether it still
 * runs, and can't be mistaken for anything else (pure but for {@link isAbandoned}).
 */
import { randomBytes } from 'node:crypto'
import { isBeforeReboot, isGone, isSameMachine, type ProcessIdentity } from '../process-identity.ts'

/** Boot, pid namespace, pid, start time, and a random part, since a process may have several holders. */
const NAME = /^([0-9a-f-]{0,36})\.([0-9]{0,20})\.([1-9][0-9]{0,9})\.([0-9]{0,20})\.([0-9a-f]{16})$/
const NAMESPACE = /^pid:\[([0-9]+)\]$/

/** A new name for a holder of a process. */
export function createHolderName(process: ProcessIdentity): string {
  const { bootId, pidNamespace, pid, startTime } = process
  const namespace = NAMESPACE.exec(pidNamespace)?.[1] ?? ''
  return [bootId, namespace, pid, startTime, randomBytes(8).toString('hex')].join('.')
}

/** Tells whether a text can be the name of a holder; then it is a safe name of a directory as well. */
export function isHolderName(name: string): boolean {
  return NAME.test(name)
}

/** Tells whether a holder lives on the machine of a process: in the same boot of it, in whatever container. */
export function isOnMachineOf(self: ProcessIdentity, holder: string): boolean {
  return NAME.exec(holder)?.[1] === self.bootId
}

/**
 * Tells whether a holder's process has ended, so that its directory is of no use to anybody. In doubt it has not: it may
 * be in another container, or on another machine.
 *
 * @param isLocal - Whether one machine alone can see the directory, so that a holder of another boot is of an old one.
 */
export function isAbandoned(self: ProcessIdentity, holder: string, isLocal: boolean): boolean {
  const [, bootId = '', namespace = '', pid, startTime = ''] = NAME.exec(holder) ?? []
  if (pid === undefined) return false
  const pidNamespace = namespace === '' ? '' : `pid:[${namespace}]`
  const other = { host: self.host, bootId, pidNamespace, pid: Number(pid), startTime }
  if (isLocal && isBeforeReboot(self, other)) return true
  return isSameMachine(self, other) && isGone(other)
}
