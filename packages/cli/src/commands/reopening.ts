/** Opens tasks again: what `retry`, `recover` and `rerun` do, and the buttons of the live page. */
import { ConfigError } from '@mpibatch/batch-core'
import {
  type Administrator,
  openAdministrator,
  openRootView,
  type ReopenOptions,
  type TaskReport,
  type WaitingOwner,
} from '@mpibatch/fs-state'
import { formatDuration } from '../input/duration.ts'
import { readLiveness } from '../input/liveness-variable.ts'
import { printable } from '../output/printable.ts'

/** Which tasks are opened again, and how they are spoken of. */
export interface Reopening {
  /** Whether owners that can't be seen from here are watched for a sign of life first. */
  readonly watchesOwners?: boolean
  /** Whether the task is one of those that this is for. */
  readonly wanted: (task: TaskReport, force: boolean) => boolean
  readonly from: (force: boolean) => ReopenOptions['from']
  /** Why a task that was named is not opened. */
  readonly refusal: string
}

/** FAILED to OPEN. */
export const RETRY: Reopening = {
  wanted: (task) => task.state === 'FAILED',
  from: () => 'failed',
  refusal: 'is not FAILED',
}

/**
 * RUNNING to OPEN where the owner is dead, with force where it lives too. An owner that can't be seen from here is dead
 * when it shows no sign of life.
 */
export const RECOVER: Reopening = {
  watchesOwners: true,
  wanted: (task, force) =>
    task.state === 'RUNNING' && (force || task.owner?.alive === false || isOutOfSight(task)),
  from: (force) => (force ? 'running' : 'dead'),
  refusal: 'is not RUNNING with a dead owner ("--force" takes it from a living one)',
}

/** All to OPEN, but what a living instance runs. */
export const RERUN: Reopening = {
  wanted: (task, force) =>
    task.state === 'DONE' ||
    task.state === 'FAILED' ||
    (task.state === 'RUNNING' && (force || task.owner?.alive === false)),
  from: () => 'any',
  refusal: 'is OPEN already, or runs ("--force" takes it from a living instance)',
}

/** Whether nothing here tells whether a task's owner lives. */
export function isOutOfSight({ owner }: TaskReport): boolean {
  return owner?.sight === 'out-of-sight'
}

/**
 * Finds the tasks that would be opened: of those that are named, or of all.
 *
 * @throws {@link ConfigError} for a task that is named and not one of them.
 */
export function chooseTasks(
  root: string,
  reopening: Reopening,
  options: { readonly names: readonly string[]; readonly force: boolean },
): readonly TaskReport[] {
  const { names, force } = options
  const view = openRootView(root)
  if (names.length === 0) return [...view.tasks()].filter((task) => reopening.wanted(task, force))
  return names.map((name) => {
    const task = view.task(name)
    if (task === undefined) throw new ConfigError(`There is no task ${JSON.stringify(name)} in ${root}.`)
    if (!reopening.wanted(task, force))
      throw new ConfigError(`Task ${task.name} ${reopening.refusal}; it is ${task.state}.`)
    return task
  })
}

/**
 * Opens tasks again that {@link chooseTasks} has found.
 *
 * @param options - `named`: whether they were asked for by name, so that each one that stays as it is counts.
 * @param say - Hears, in a sentence, what is waited for, and which task was left as it is; at last how many were opened.
 * @returns Whether all were opened; what a living owner has counts only if it was named.
 */
export async function reopenTasks(
  root: string,
  reopening: Reopening,
  options: { readonly chosen: readonly TaskReport[]; readonly named: boolean; readonly force: boolean },
  say: (text: string) => void,
): Promise<boolean> {
  const { chosen, named, force } = options
  if (chosen.length === 0) {
    say(openedText(0))
    return true
  }
  const administrator = await openAdministrator(root, {
    liveness: readLiveness(process.env.MPIBATCH_LIVENESS),
  })
  try {
    const watched = force || reopening.watchesOwners !== true ? [] : chosen.filter(isOutOfSight)
    const living = watched.length === 0 ? new Set<string>() : await findLiving(administrator, watched, say)
    // What lives was asked for only where it was named.
    const left = named ? 0 : watched.filter((task) => living.has(task.owner?.instance ?? '')).length
    const ready = chosen.filter((task) => !isOutOfSight(task) || !living.has(task.owner?.instance ?? ''))
    const opened = await reopenAll(administrator, ready, { from: reopening.from(force), force }, say)
    say(openedText(opened))
    return opened + left === chosen.length
  } finally {
    await administrator.close()
  }
}

/** Watches the owners of these tasks; returns those that have shown a sign of life. */
async function findLiving(
  administrator: Administrator,
  tasks: readonly TaskReport[],
  say: (text: string) => void,
): Promise<ReadonlySet<string>> {
  const names = tasks.map(({ name }) => name)
  const living = await administrator.awaitVerdicts(names, (owners) => {
    const longestMs = Math.max(...owners.map(({ decidedInMs = 0 }) => decidedInMs))
    say(
      `${owners.map(ownerText).join(', ')} can't be seen from here. Watching for a sign of life, at most ${formatDuration(longestMs)}; "--force" opens the tasks at once.`,
    )
  })
  for (const owner of living) say(`${ownerText(owner)} lives; what it runs is left to it.`)
  return new Set(living.map(({ owner }) => owner))
}

function ownerText({ owner, host, taskCount }: WaitingOwner): string {
  const place = host === '' ? '' : ` on ${printable(host)}`
  return `Instance ${owner}${place} with ${taskCount} ${taskCount === 1 ? 'task' : 'tasks'}`
}

async function reopenAll(
  administrator: Administrator,
  tasks: readonly TaskReport[],
  options: ReopenOptions,
  say: (text: string) => void,
): Promise<number> {
  let opened = 0
  for (const { name } of tasks) {
    const { changed, reason } = await administrator.reopen(name, options)
    if (changed) opened += 1
    else say(`${name} was left as it is: ${reason ?? 'it has changed meanwhile'}.`)
  }
  return opened
}

function openedText(opened: number): string {
  return `${opened} ${opened === 1 ? 'task' : 'tasks'} OPEN again.`
}
