/** The thread of a {@link CommandGuard}: looks at the lease, and stops the commands while it is not valid. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '@mpibatch/batch-core'
import { leaseOf } from '@mpibatch/fs-state'
import type { CommandGuardSetup } from './command-guard.ts'
import { signalGroup } from './process-group.ts'

/** Between two looks for commands that were started at the last moment. */
const LOOK_MS = 50

const { ticket, groups } = workerData as CommandGuardSetup
const lease = leaseOf(ticket)
invariant(lease !== undefined && parentPort !== null, 'A guard is a thread with the lease of its instance')

const held = new Set<number>()
let looking: NodeJS.Timeout | undefined

function holdAll(): void {
  for (let index = 0; index < groups.length; index += 1) {
    const group = Atomics.load(groups, index)
    if (group === 0 || held.has(group)) continue
    held.add(group)
    signalGroup(group, 'SIGSTOP')
  }
}

function letGo(): void {
  for (const group of groups) if (held.has(group)) signalGroup(group, 'SIGCONT')
  held.clear()
}

lease.onChange((state) => {
  clearInterval(looking)
  if (state === 'valid') return letGo()
  holdAll()
  // What is lost stays as it is until it is ended.
  if (state === 'suspect') looking = setInterval(holdAll, LOOK_MS)
})
// The looks at the lease keep no thread alive; this does, until its parent ends it or itself.
parentPort.on('message', () => undefined)
