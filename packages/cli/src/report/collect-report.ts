import { availableParallelism, hostname } from 'node:os'
import { resolve } from 'node:path'
import { DEFAULT_ROOT, NameIndex, PackedTexts } from '@mpibatch/batch-core'
import type { RootView, TaskReport } from '@mpibatch/fs-state'
import { showWords } from '../input/shell-quoting.ts'
import { printable } from '../output/printable.ts'
import { outcomeText } from '../output/task-line.ts'
import { adviceFor } from './advice.ts'
import { type AttemptsByWorker, sortByWorker } from './attempt-columns.ts'
import { AttemptSurvey, type ListedAttempt, NAMED_MAX } from './attempt-survey.ts'
import { durationDistribution, type MeasuredDuration } from './duration-distribution.ts'
import { addShares, busyShare, type Span, timeShares, unionMs } from './efficiency.ts'
import type { Failure } from './failure-groups.ts'
import type { EfficiencyRow, JobRow, LogLinks, NamedAttempt, ReportData } from './report-data.ts'
import { timelineData } from './timeline-data.ts'
import { verdictOf } from './verdict.ts'
import type { WorkerOrder } from './worker-table.ts'

/** What a report reads of a root. */
export type ReportedView = Pick<RootView, 'tasks' | 'knownTask' | 'attempts' | 'instances'>

/** What a report is collected with. */
export interface CollectOptions {
  readonly view: ReportedView
  /** The root as it was named. */
  readonly root: string
  /** Name and version of the program. */
  readonly program: string
  /** The wall clock, since it is compared with recorded times. */
  readonly nowMs: number
  readonly logsOf: (task: string) => LogLinks
}

/** Reads all that a report says from a root, and works it out. */
export function collectReport(options: CollectOptions): ReportData {
  const { view, root, program, nowMs, logsOf } = options
  const instances = view.instances()
  const names = new TaskNames()
  const survey = new AttemptSurvey({
    instances,
    nowMs,
    taskIndexOf: (name) => names.indexOf(name),
    valuesOf: (name) => view.knownTask(name)?.values,
  })
  for (const row of view.attempts()) survey.add(row)
  survey.finish()
  const tasks = surveyTasks(view, survey)
  const order = survey.workers.order(instances)
  renumber(survey.columns.workerIndexes, order.positions)
  const byWorker = sortByWorker(survey.columns, order.workers.length)
  const workers = workerRows(survey, order, byWorker)
  const jobs = jobRows(order, workers)
  const efficiency = { label: 'all', attemptCount: survey.columns.count, ...addShares(workers) }
  const distribution = durationDistribution(...measured(survey))
  const groups = survey.failures.sorted()
  const named = (one: ListedAttempt): NamedAttempt => namedAttempt(one, order, logsOf)
  const wasted = {
    counts: survey.counts,
    repeatedTaskCount: tasks.repeatedCount,
    wastedMs: survey.wastedMs,
    losses: survey.losses.map(named),
  }
  const { counts, taskCount } = tasks
  const job = jobs.at(-1)
  const isHere = job?.hosts.length === 1 && job.hosts[0] === hostname()
  return {
    root: resolve(root),
    ...{ program, writtenAtMs: nowMs, counts, taskCount, jobs, efficiency, wasted },
    verdict: verdictOf({
      counts,
      taskCount,
      isAtWork: jobs.some(({ isAlive }) => isAlive),
      rootWords: rootWordsOf(root),
    }),
    checkExitCode: counts.DONE === taskCount ? 0 : 1,
    attemptCount: survey.columns.count,
    wallMs: unionMs(jobs),
    busyMs: efficiency.busyMs,
    timeline: timelineData({
      ...{ columns: survey.columns, byWorker, workers: order.workers, endings: survey.endings },
      nameOf: (index) => names.nameOf(index),
    }),
    distribution: distribution ?? null,
    failures: groups.slice(0, NAMED_MAX).map((group) => ({ ...group, logs: logsOf(group.task) })),
    failureGroupCount: groups.length,
    workers: leastBusy(workers),
    slowest: survey.slowest.map(named),
    advice: adviceFor({
      ...{ taskCount, distribution, efficiency, job, failures: groups, wasted },
      attemptCount: survey.columns.count,
      timeouts: survey.timeouts,
      killedCount: survey.killedCount,
      processorCount: isHere ? availableParallelism() : undefined,
    }),
  }
}

function rootWordsOf(root: string): string {
  return root === DEFAULT_ROOT ? '' : printable(showWords([root]))
}

/** Numbers of the tasks that attempts name, in the order in which they first do. */
class TaskNames {
  readonly #names = new PackedTexts()
  readonly #index = new NameIndex((index) => this.#names.at(index))

  indexOf(name: string): number {
    const known = this.#index.indexOf(name)
    if (known !== undefined) return known
    this.#index.add(name)
    return this.#names.add(name)
  }

  nameOf(index: number): string {
    return this.#names.at(index)
  }
}

function surveyTasks(
  view: ReportedView,
  survey: AttemptSurvey,
): Pick<ReportData, 'counts' | 'taskCount'> & { readonly repeatedCount: number } {
  const counts = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0 }
  let [taskCount, repeatedCount] = [0, 0]
  for (const task of view.tasks()) {
    counts[task.state] += 1
    taskCount += 1
    if (task.attempts > 1) repeatedCount += 1
    if (task.state === 'FAILED') survey.failures.addFailedTask(failureOf(task))
  }
  return { counts, taskCount, repeatedCount }
}

function failureOf(task: TaskReport): Failure {
  const reason = task.reason === undefined ? 'unknown' : outcomeText(task)
  return {
    task: task.name,
    values: task.values,
    reason,
    message: task.message ?? (reason === 'unknown' ? 'no record' : reason),
  }
}

function renumber(workerIndexes: Uint32Array, positions: Uint32Array): void {
  for (const [at, worker] of workerIndexes.entries()) workerIndexes[at] = positions[worker] ?? 0
}

function workerRows(survey: AttemptSurvey, order: WorkerOrder, byWorker: AttemptsByWorker): EfficiencyRow[] {
  const { startsMs, durationsMs } = survey.columns
  return order.workers.map(({ label, job }, worker) => {
    const [from = 0, to = 0] = [byWorker.offsets[worker], byWorker.offsets[worker + 1]]
    function* spans(): Generator<Span> {
      for (let place = from; place < to; place += 1) {
        const position = byWorker.order[place] ?? 0
        const fromMs = startsMs[position] ?? 0
        yield { fromMs, toMs: fromMs + (durationsMs[position] ?? 0) }
      }
    }
    const whole = order.jobs[job] ?? { fromMs: 0, toMs: 0 }
    return { label, attemptCount: to - from, ...timeShares(spans(), whole) }
  })
}

function jobRows(order: WorkerOrder, workers: readonly EfficiencyRow[]): JobRow[] {
  return order.jobs.map(({ command, hosts, fromMs, toMs, isAlive }, job) => {
    const own = workers.filter((_, worker) => order.workers[worker]?.job === job)
    return {
      ...{ command, hosts, fromMs, toMs, isAlive },
      label: `job ${job + 1}`,
      workerCount: own.length,
      attemptCount: own.reduce((sum, { attemptCount }) => sum + attemptCount, 0),
      ...addShares(own),
    }
  })
}

/** Durations of attempts that ran to an end of their own. */
function measured({ columns, endings, counts }: AttemptSurvey): [Iterable<MeasuredDuration>, number] {
  function* durations(): Generator<MeasuredDuration> {
    for (const [position, durationMs] of columns.durationsMs.entries()) {
      const kind = endings[columns.endingIndexes[position] ?? 0]?.kind
      if (kind === 'done' || kind === 'failed' || kind === 'retried')
        yield { durationMs, isDone: kind === 'done' }
    }
  }
  return [durations(), counts.done + counts.failed + counts.retried]
}

function leastBusy(workers: readonly EfficiencyRow[]): readonly EfficiencyRow[] {
  if (workers.length <= NAMED_MAX) return workers
  return [...workers].sort((one, other) => busyShare(one) - busyShare(other)).slice(0, NAMED_MAX)
}

function namedAttempt(
  { row, ending, startMs, durationMs, workerIndex }: ListedAttempt,
  order: WorkerOrder,
  logsOf: (task: string) => LogLinks,
): NamedAttempt {
  return {
    ...{ task: row.task, ending, startedAtMs: startMs, attempt: row.attempt ?? null },
    durationMs: row.outcome === 'unfinished' ? null : durationMs,
    worker: order.workers[order.positions[workerIndex] ?? 0]?.label ?? '',
    logs: logsOf(row.task),
  }
}
