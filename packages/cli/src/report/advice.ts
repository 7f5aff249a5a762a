/**
 * What to do differently, from the figures of a report (pure). Each rule names the figure that led to it, and stays
 * silent where there is too little to judge by: advice that is not worth following makes people stop reading it.
 */
import { formatDuration } from '../input/duration.ts'
import { busyShare, wholeMs } from './efficiency.ts'
import type {
  Advice,
  DurationDistribution,
  EfficiencyRow,
  FailureGroup,
  JobRow,
  WastedWork,
} from './report-data.ts'

/** What advice is made from. */
export interface AdviceFacts {
  readonly taskCount: number
  readonly attemptCount: number
  readonly distribution: DurationDistribution | undefined
  /** Where the time of all workers went. */
  readonly efficiency: EfficiencyRow
  /** The last job. */
  readonly job: JobRow | undefined
  readonly failures: readonly Pick<FailureGroup, 'reason' | 'shape' | 'attemptCount'>[]
  readonly wasted: WastedWork
  /** Attempts that a timeout ended, and the shortest of them, milliseconds. */
  readonly timeouts: { readonly count: number; readonly shortestMs: number }
  /** Attempts that SIGKILL ended. */
  readonly killedCount: number
  /** Processors of the machine that writes the report, if the last job ran on it alone. */
  readonly processorCount: number | undefined
}

type Rule = (facts: AdviceFacts) => Advice | undefined

/** Shorter tasks are dominated by what comes around them, milliseconds. */
const SHORT_TASK_MS = 50
/** Fewer tasks than this are no pattern. */
const PATTERN_COUNT_MIN = 20

/** All advice that the figures give reason for, the most urgent first. */
export function adviceFor(facts: AdviceFacts): readonly Advice[] {
  return RULES.flatMap((rule) => rule(facts) ?? [])
}

const frequentFailure: Rule = ({ failures, attemptCount }) => {
  const [worst] = [...failures].sort((one, other) => other.attemptCount - one.attemptCount)
  if (worst === undefined || worst.attemptCount < 3 || worst.attemptCount * 10 < attemptCount)
    return undefined
  return {
    title: 'Mend the most frequent failure first',
    text:
      `${worst.attemptCount} of ${attemptCount} attempts (${percent(worst.attemptCount / attemptCount)}) ended alike: ` +
      `${worst.shape}. When it is mended, "mpibatch retry" opens the failed tasks again; until then, ` +
      `--halt soon,fail=10% ends a run that fails like this early.`,
  }
}

const killed: Rule = ({ killedCount }) =>
  killedCount === 0
    ? undefined
    : {
        title: 'Look whether memory runs out',
        text:
          `SIGKILL ended ${plural(killedCount, 'attempt')}. A system that is out of memory does that; "dmesg" or the ` +
          `scheduler's accounting tells. Fewer tasks at once (-j) leave more memory to each.`,
      }

const timeouts: Rule = ({ timeouts: { count, shortestMs }, distribution }) => {
  if (count === 0) return undefined
  const doneP95Ms = distribution?.doneP95Ms ?? null
  const isTight = doneP95Ms !== null && doneP95Ms > shortestMs / 2
  const done =
    doneP95Ms === null
      ? 'no attempt was done'
      : `95 % of those that were done took up to ${formatDuration(doneP95Ms)}`
  return {
    title: isTight ? 'Raise the timeout' : 'Find out what hangs',
    text:
      `--timeout ended ${plural(count, 'attempt')} after ${formatDuration(shortestMs)}, and ${done}. ` +
      (isTight
        ? 'The limit is close to what tasks need: tasks that would have ended may be among them.'
        : 'So these probably hang: their logs say where.'),
  }
}

const noTimeout: Rule = ({ timeouts: { count }, distribution, attemptCount }) => {
  if (count > 0 || distribution === undefined || attemptCount < PATTERN_COUNT_MIN) return undefined
  const { maxMs, p95Ms } = distribution
  if (maxMs < 60_000 || maxMs < 10 * p95Ms) return undefined
  const limitMs = Math.ceil((3 * p95Ms) / 1000) * 1000
  return {
    title: 'Give tasks a timeout',
    text:
      `The longest attempt took ${formatDuration(maxMs)}, and 95 % took up to ${formatDuration(p95Ms)}. If such an ` +
      `attempt hangs, --timeout ${limitMs / 1000}s ends it, and --retries 1 gives it another try.`,
  }
}

const losses: Rule = ({ wasted: { counts, wastedMs }, attemptCount, efficiency: { busyMs } }) => {
  const lost = counts.lost + counts.discarded
  if (lost < 3 || lost * 100 < attemptCount) return undefined
  return {
    title: 'Find out why runs die',
    text:
      `${plural(counts.lost, 'attempt')} left no end on record, because their run died, and the results of ` +
      `${counts.discarded} came too late to count; with what failed, ${formatDuration(wastedMs)} of ` +
      `${formatDuration(busyMs)} gave no result. Under a scheduler, --time-limit starts nothing that can't finish.`,
  }
}

const shortTasks: Rule = ({ distribution, efficiency, taskCount }) => {
  if (distribution === undefined || taskCount < 200 || distribution.medianMs >= SHORT_TASK_MS)
    return undefined
  const claimMs = efficiency.claimMs / Math.max(efficiency.attemptCount, 1)
  if (claimMs < 0.2 * distribution.medianMs) return undefined
  const perTask = Math.max(2, Math.ceil(1000 / Math.max(distribution.medianMs, 1)))
  return {
    title: 'Put more work into each task',
    text:
      `Half of all tasks take less than ${formatDuration(distribution.medianMs)}, and between two of them ` +
      `${formatDuration(claimMs)} pass on average: ${percent(efficiency.claimMs / wholeMs(efficiency))} of the workers' ` +
      `time. With about ${perTask} of these in one task, it would take a second, and nearly all of it would be work.`,
  }
}

const longestFirst: Rule = ({ distribution, efficiency, job }) => {
  if (distribution === undefined || job === undefined || job.isAlive || job.workerCount < 2) return undefined
  const share = job.lastMs / Math.max(wholeMs(job), 1)
  const isUneven = distribution.maxMs >= 3 * distribution.medianMs
  if (share < 0.1 || !isUneven || efficiency.attemptCount < 2 * job.workerCount) return undefined
  return {
    title: 'Start the longest tasks first',
    text:
      `At the end of the last job, workers waited ${formatDuration(job.lastMs)} in all (${percent(share)} of their time) ` +
      `for the last tasks to end; the longest attempt took ${formatDuration(distribution.maxMs)}, half of them less than ` +
      `${formatDuration(distribution.medianMs)}. With --order longest, the next run of these tasks starts long ones ` +
      `first, by the durations on record; in a new list, put them at the front.`,
  }
}

const smallerGroups: Rule = ({ job }) => {
  const groupSize = Number(/--group-size[ =](\d+)/.exec(job?.command ?? '')?.[1] ?? 1)
  if (job === undefined || groupSize < 2 || job.isAlive) return undefined
  const share = job.lastMs / Math.max(wholeMs(job), 1)
  if (share < 0.25 || job.attemptCount >= 3 * job.workerCount) return undefined
  return {
    title: 'Try smaller groups',
    text:
      `${plural(job.attemptCount, 'attempt')} met ${plural(job.workerCount, 'group')} of ${groupSize} ranks, and groups waited ` +
      `${percent(share)} of their time for the last one. With --group-size ${Math.ceil(groupSize / 2)} there would be ` +
      `about twice as many groups, and less to wait for if tasks scale less than perfectly.`,
  }
}

const fewerWorkers: Rule = ({ job }) => {
  if (job === undefined || job.isAlive || job.workerCount < 2) return undefined
  const share = busyShare(job)
  const waitShare = (job.waitMs + job.startMs) / Math.max(wholeMs(job), 1)
  if (share >= 0.5 || waitShare < 0.4 || wholeMs(job) < 10_000) return undefined
  const enough = Math.max(1, Math.ceil(job.workerCount * share * 1.2))
  return {
    title: 'Take fewer workers',
    text:
      `In the last job, ${job.workerCount} workers were busy ${percent(share)} of their time, and waited for something to ` +
      `do ${percent(waitShare)} of it. About ${enough} would have done the same work in the same time.`,
  }
}

const moreWorkers: Rule = ({ job, processorCount, distribution }) => {
  if (job === undefined || processorCount === undefined || distribution === undefined) return undefined
  const share = busyShare(job)
  if (job.workerCount >= processorCount || share < 0.9 || wholeMs(job) < 10_000) return undefined
  return {
    title: 'There is room for more workers',
    text:
      `In the last job, ${plural(job.workerCount, 'worker')} were busy ${percent(share)} of their time, on a machine with ` +
      `${processorCount} processors. If each task uses one processor, -j ${processorCount} is done sooner.`,
  }
}

const RULES: readonly Rule[] = [
  ...[frequentFailure, killed, timeouts, losses],
  ...[shortTasks, longestFirst, smallerGroups, fewerWorkers, moreWorkers, noTimeout],
]

function percent(share: number): string {
  return share > 0 && share < 0.01 ? 'less than 1 %' : `${Math.round(share * 100)} %`
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
