import { ConfigError } from '@mpibatch/batch-core'
import {
  type Administrator,
  openAdministrator,
  openRootView,
  type ReopenOptions,
  type TaskReport,
  type WaitingOwner,
} from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { formatDuration } from '../input/duration.ts'
import { readLiveness } from '../input/liveness-variable.ts'
import { printable } from '../output/printable.ts'
import type { Command } from './command.ts'
import { type OptionTable, parseArguments } from './parse-arguments.ts'
import { rootAndTasks } from './task-root.ts'

/** Which tasks a command opens again, and how it speaks of them. */
interface Reopening {
  readonly usage: string
  readonly options?: OptionTable
  /** Whether owners that can't be seen from here are watched for a sign of life first. */
  readonly watchesOwners?: boolean
  /** Whether the task is one of those that the command is for. */
  readonly wanted: (task: TaskReport, force: boolean) => boolean
  readonly from: (force: boolean) => Parameters<Administrator['reopen']>[1]['from']
  /** Why a task that was named is not opened. */
  readonly refusal: string
}

const DRY_RUN: OptionTable = {
  'dry-run': { type: 'boolean', describe: 'only show which tasks would be opened' },
}

const FORCE: OptionTable = {
  force: { type: 'boolean', describe: 'also tasks that a living instance runs; its results will not count' },
}

/** `mpibatch retry [ROOT] [TASK…]`: FAILED to OPEN. */
export const retryCommand: Command = reopenCommand({
  usage: 'retry [ROOT] [TASK…]',
  wanted: (task) => task.state === 'FAILED',
  from: () => 'failed',
  refusal: 'is not FAILED',
})

/**
 * `mpibatch recover [ROOT] [TASK…]`: RUNNING to OPEN where the owner is dead, with `--force` where it lives too. An
 * owner that can't be seen from here is dead when it shows no sign of life.
 */
export const recoverCommand: Command = reopenCommand({
  usage: 'recover [ROOT] [TASK…]',
  options: FORCE,
  watchesOwners: true,
  wanted: (task, force) =>
    task.state === 'RUNNING' && (force || task.owner?.alive === false || isOutOfSight(task)),
  from: (force) => (force ? 'running' : 'dead'),
  refusal: 'is not RUNNING with a dead owner ("--force" takes it from a living one)',
})

/** `mpibatch rerun [ROOT] [TASK…]`: all to OPEN, but what a living instance runs. */
export const rerunCommand: Command = reopenCommand({
  usage: 'rerun [ROOT] [TASK…]',
  options: FORCE,
  wanted: (task, force) =>
    task.state === 'DONE' ||
    task.state === 'FAILED' ||
    (task.state === 'RUNNING' && (force || task.owner?.alive === false)),
  from: () => 'any',
  refusal: 'is OPEN already, or runs ("--force" takes it from a living instance)',
})

function isOutOfSight({ owner }: TaskReport): boolean {
  return owner?.sight === 'out-of-sight'
}

function reopenCommand(reopening: Reopening): Command {
  return {
    async run(argv) {
      const { words, values } = await parseArguments(argv, {
        usage: reopening.usage,
        options: { ...DRY_RUN, ...reopening.options },
      })
      const force = values.force === true
      const { root, tasks: names } = rootAndTasks(words)
      const chosen = chooseTasks(root, names, (task) => reopening.wanted(task, force), reopening.refusal)
      if (values['dry-run'] === true) {
        for (const task of chosen) {
          const condition = !force && isOutOfSight(task) ? '\tif its owner shows no sign of life' : ''
          process.stdout.write(`${task.name}\t${task.state}${condition}\n`)
        }
        return EXIT_CODE.done
      }
      if (chosen.length === 0) return reportOpened(0)
      const administrator = await openAdministrator(root, {
        liveness: readLiveness(process.env.MPIBATCH_LIVENESS),
      })
      try {
        const watched = force || reopening.watchesOwners !== true ? [] : chosen.filter(isOutOfSight)
        const living = watched.length === 0 ? new Set<string>() : await findLiving(administrator, watched)
        // What lives was asked for only where it was named.
        const left =
          names.length > 0 ? 0 : watched.filter((task) => living.has(task.owner?.instance ?? '')).length
        const ready = chosen.filter((task) => !isOutOfSight(task) || !living.has(task.owner?.instance ?? ''))
        const opened = await reopenAll(administrator, ready, { from: reopening.from(force), force })
        reportOpened(opened)
        return opened + left === chosen.length ? EXIT_CODE.done : EXIT_CODE.notDone
      } finally {
        await administrator.close()
      }
    },
  }
}

/** The tasks that are wanted: of those that are named, or of all. @throws {@link ConfigError} for one that is not. */
function chooseTasks(
  root: string,
  names: readonly string[],
  isWanted: (task: TaskReport) => boolean,
  refusal: string,
): readonly TaskReport[] {
  const view = openRootView(root)
  if (names.length === 0) return [...view.tasks()].filter(isWanted)
  return names.map((name) => {
    const task = view.task(name)
    if (task === undefined) throw new ConfigError(`There is no task ${JSON.stringify(name)} in ${root}.`)
    if (!isWanted(task)) throw new ConfigError(`Task ${task.name} ${refusal}; it is ${task.state}.`)
    return task
  })
}

/** Watches the owners of these tasks; returns those that have shown a sign of life. */
async function findLiving(
  administrator: Administrator,
  tasks: readonly TaskReport[],
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
): Promise<number> {
  let opened = 0
  for (const { name } of tasks) {
    const { changed, reason } = await administrator.reopen(name, options)
    if (changed) opened += 1
    else say(`${name} was left as it is: ${reason ?? 'it has changed meanwhile'}.`)
  }
  return opened
}

function reportOpened(opened: number): number {
  say(`${opened} ${opened === 1 ? 'task' : 'tasks'} OPEN again.`)
  return EXIT_CODE.done
}

function say(text: string): void {
  process.stderr.write(`mpibatch: ${text}\n`)
}
