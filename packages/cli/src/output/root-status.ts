import type { InstanceReport, RootView, TaskReport } from '@mpibatch/fs-state'
import { formatDuration } from '../input/duration.ts'
import { isoTime } from './iso-time.ts'
import { printable } from './printable.ts'
import { secondsPerTask } from './progress-meter.ts'
import { outcomeText } from './task-line.ts'
import { secondsLeft } from './time-left.ts'

/** Failures and running tasks that are named; the counts say the rest. */
const NAMED_MAX = 10
/** Failures that are looked through at once, for those that are named. */
const FAILED_KEPT_MAX = 1000
/** The rate looks back so far, in milliseconds. */
const RATE_WINDOW_MS = 60_000

/** A task that runs. */
export interface RunningTask {
  readonly name: string
  readonly host: string | null
  readonly instance: string | null
  readonly ownerAlive: boolean
  /** ISO 8601, UTC. */
  readonly since: string | null
}

/** A task that failed. */
export interface FailedTask {
  readonly name: string
  readonly outcome: string
  readonly message: string | null
  readonly ended: string | null
}

/** An instance that lives. */
export interface LivingInstance {
  readonly instance: string
  /** The same for all ranks of a job under MPI; the instance itself if it is no rank of such a job. */
  readonly batch: string
  readonly host: string
  readonly pid: number
  /** ISO 8601, UTC. */
  readonly started: string
  readonly command: string
}

/** What `status --json` prints. */
export interface RootStatus {
  readonly root: string
  readonly tasks: number
  readonly open: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly invalid: number
  /** Tasks that ended per second over the last minute. */
  readonly ratePerSecond: number
  /** Seconds until all have ended, at the rate and the lengths so far; `null` where it can't be known. */
  readonly secondsLeft: number | null
  /** Instances that live. */
  readonly instances: readonly LivingInstance[]
  readonly runningTasks: readonly RunningTask[]
  readonly lastFailures: readonly FailedTask[]
}

/** What a status is made from: a view of a root, or what was read of one. */
export interface StatusView extends Pick<RootView, 'instances'> {
  tasks(): Iterable<TaskReport>
}

/**
 * Puts a root's status together.
 *
 * @param nowMs - The wall clock, since it is compared with recorded times.
 * @param note - Gets each task, for who needs them too.
 */
export function rootStatus(
  root: string,
  view: StatusView,
  nowMs: number,
  note: (task: TaskReport) => void = () => undefined,
): RootStatus {
  const counts = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0 }
  const running: TaskReport[] = []
  const lengths = { sumMs: 0, count: 0 }
  const failed: TaskReport[] = []
  let endedLately = 0
  for (const task of view.tasks()) {
    note(task)
    counts[task.state] += 1
    if (task.state === 'RUNNING') running.push(task)
    if (task.state === 'FAILED' && failed.push(task) === FAILED_KEPT_MAX) keepLatest(failed)
    const ended = task.state === 'DONE' || task.state === 'FAILED'
    if (ended && task.durationMs !== undefined) {
      lengths.sumMs += task.durationMs
      lengths.count += 1
    }
    if (ended && task.endedAtMs !== undefined && nowMs - task.endedAtMs <= RATE_WINDOW_MS) endedLately += 1
  }
  const living = view.instances().filter(({ alive }) => alive)
  const oldestMs = Math.min(...living.map(({ startedAtMs }) => startedAtMs))
  const spanMs = Math.min(Math.max(nowMs - oldestMs, 1000), RATE_WINDOW_MS)
  const ratePerSecond = living.length === 0 ? 0 : endedLately / (spanMs / 1000)
  keepLatest(failed)
  return {
    root,
    tasks: counts.OPEN + counts.RUNNING + counts.DONE + counts.FAILED + counts.INVALID,
    open: counts.OPEN,
    running: counts.RUNNING,
    done: counts.DONE,
    failed: counts.FAILED,
    invalid: counts.INVALID,
    ratePerSecond: Math.round(ratePerSecond * 1000) / 1000,
    secondsLeft: leftOf(
      { openCount: counts.OPEN, running, lengths, ratePerSecond, nowMs },
      living.length > 0,
    ),
    instances: living.map(instanceFacts),
    runningTasks: running.map((task) => ({
      name: task.name,
      host: task.owner?.host ?? task.host ?? null,
      instance: task.owner?.instance ?? null,
      ownerAlive: task.owner?.alive ?? true,
      since: isoTime(task.startedAtMs),
    })),
    lastFailures: failed.map((task) => ({
      name: task.name,
      outcome: outcomeText(task),
      message: task.message ?? null,
      ended: isoTime(task.endedAtMs),
    })),
  }
}

/** Keeps of failed tasks those that are named: the latest, and of those at one time the first of the list. */
function keepLatest(failed: TaskReport[]): void {
  failed.sort((one, other) => (other.endedAtMs ?? 0) - (one.endedAtMs ?? 0))
  failed.splice(NAMED_MAX)
}

/** The facts about an instance as plain data. */
export function instanceFacts(report: InstanceReport): LivingInstance {
  const { instance, batch, host, pid, startedAtMs, command = '' } = report
  return { instance, batch, host, pid, started: new Date(startedAtMs).toISOString(), command }
}

/** Seconds until all tasks have ended; `null` if nobody works, or no task has ended yet. */
function leftOf(
  work: {
    readonly openCount: number
    readonly running: readonly TaskReport[]
    /** Lengths of the tasks that have ended. */
    readonly lengths: { readonly sumMs: number; readonly count: number }
    readonly ratePerSecond: number
    readonly nowMs: number
  },
  isAtWork: boolean,
): number | null {
  const { openCount, running, lengths, ratePerSecond, nowMs } = work
  if (openCount + running.length === 0) return 0
  if (!isAtWork || lengths.count === 0) return null
  const meanSeconds = lengths.sumMs / lengths.count / 1000
  const atOnce = Math.max(running.length, 1)
  const endedCount = (ratePerSecond * RATE_WINDOW_MS) / 1000
  const taskSeconds = secondsPerTask({ meanSeconds, ratePerSecond, endedCount, atOnce })
  if (taskSeconds === undefined) return null
  const runningAges = running.map(({ startedAtMs = nowMs }) => Math.max(nowMs - startedAtMs, 0) / 1000)
  return Math.round(secondsLeft({ openCount, runningAges, taskSeconds, atOnce }))
}

/** The counts as a person reads them, at a moment, on one line. */
export function statusLine(status: RootStatus, at: Date): string {
  return `${at.toISOString()} ${countsText(status)}\n`
}

function countsText(status: RootStatus): string {
  const { tasks, open, running, done, failed, invalid } = status
  const counts = [`${done} DONE`, `${failed} FAILED`, `${running} RUNNING`, `${open} OPEN`]
  if (invalid > 0) counts.push(`${invalid} INVALID`)
  const percent = tasks === 0 ? 0 : Math.floor((100 * (done + failed)) / tasks)
  return `${printable(status.root)}: ${tasks} tasks, ${percent} % ended: ${counts.join(', ')}`
}

/** The status as a person reads it. */
export function statusText(status: RootStatus): string {
  const { open, running } = status
  const lines = [countsText(status)]
  if (status.instances.length === 0) {
    lines.push(
      open + running > 0
        ? 'No instance is at work. Run the same line again to go on.'
        : 'No instance is at work.',
    )
  } else {
    const left = status.secondsLeft === null ? 'unknown' : formatDuration(status.secondsLeft * 1000)
    lines.push(`${status.ratePerSecond} tasks/s, time left ${left}`)
  }
  const batches = new Set(status.instances.map(({ batch }) => batch))
  for (const batch of batches) {
    lines.push(batchText(status.instances.filter((instance) => instance.batch === batch)))
  }
  section(lines, 'running', status.runningTasks, (task) => [
    task.name,
    task.host ?? '',
    task.ownerAlive ? '' : 'owner dead',
    task.since === null ? '' : `since ${task.since}`,
  ])
  section(lines, 'failed', status.lastFailures, (task) => [task.name, task.outcome, task.message ?? ''])
  return `${lines.join('\n')}\n`
}

/** The living instances of one job on one line. */
function batchText(instances: readonly LivingInstance[]): string {
  const [first] = instances
  if (first === undefined) return ''
  const { instance, batch, host, pid, started, command } = first
  const what = `since ${started}: ${printable(command)}`
  if (instances.length === 1) return `instance ${instance} on ${printable(host)}, process ${pid}, ${what}`
  const hosts = [...new Set(instances.map((one) => one.host))]
  const named = hosts.slice(0, NAMED_MAX).map(printable).join(', ')
  const more = hosts.length > NAMED_MAX ? ` and ${hosts.length - NAMED_MAX} more` : ''
  return `job ${batch}: ${instances.length} ranks on ${hosts.length === 1 ? '' : `${hosts.length} hosts, `}${named}${more}, ${what}`
}

function section<T>(
  lines: string[],
  title: string,
  items: readonly T[],
  cells: (item: T) => readonly string[],
): void {
  for (const item of items.slice(0, NAMED_MAX)) {
    lines.push(
      `${title}  ${cells(item)
        .filter((cell) => cell !== '')
        .map(printable)
        .join('  ')}`,
    )
  }
  if (items.length > NAMED_MAX) lines.push(`${title}  and ${items.length - NAMED_MAX} more`)
}
