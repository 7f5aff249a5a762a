import { invariant } from '@mpibatch/batch-core'
import { listProcesses, type ProcessStat } from '@mpibatch/fs-state'

/**
 * Sends a signal to every process of a group; signal 0 only asks whether there is one.
 *
 * The number of a group stays taken as long as it has a member, so it is safe to signal while its leader has not been
 * waited for, or right after, or as long as the last answer was yes; never later.
 *
 * @returns Whether the group has members.
 */
export function signalGroup(processGroup: number, signal: NodeJS.Signals | 0): boolean {
  // kill(-1) would reach every process of the user, kill(0) our own group.
  invariant(
    Number.isInteger(processGroup) && processGroup > 1,
    `${processGroup} is no process group of a command`,
  )
  try {
    process.kill(-processGroup, signal)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ESRCH') return false
    // Members that run as another user (sudo) are there but can't be reached.
    if (code === 'EPERM') return true
    throw error
  }
}

/**
 * Tells whether a process of a group that has members still runs. The dead whom nobody has collected yet are members,
 * but don't run; in a container without a proper init process they stay for ever.
 *
 * Reads what `/proc` knows of every process, so it is asked seldom. Without `/proc`, all members count as running.
 */
export function groupRuns(processGroup: number): boolean {
  const processes = listProcesses()
  const isAtWork = ({ group, state }: ProcessStat): boolean =>
    group === processGroup && state !== 'Z' && state !== 'X'
  return processes.length === 0 || processes.some(isAtWork)
}
