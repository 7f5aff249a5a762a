/**
 * What a report's page gets: plain data, put into the page as JSON. Everything is worked out before; the page only
 * draws. Names, messages and commands in it are untrusted text.
 */

/**
 * How an attempt looks in the report: `done` · `failed`: it made the task FAILED · `retried`: it failed, and the task
 * was opened again · `returned`: it was interrupted, and the task given back · `discarded`: it ended after somebody
 * else had taken the task · `lost`: no end is on record, and its owner is gone · `running`.
 */
export type EndingKind = 'done' | 'failed' | 'retried' | 'returned' | 'discarded' | 'lost' | 'running'

/** One of the ways in which attempts of this root ended. */
export interface Ending {
  readonly kind: EndingKind
  /** `done`, `exit 3`, `SIGKILL`, `timeout`, … */
  readonly text: string
}

/** Attempts by worker, for the timeline; each column is base64 of little-endian numbers. */
export interface TimelineData {
  /** Wall-clock time of the first start and the last end, milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** What one unit of `starts` and `durations` is, milliseconds. */
  readonly unitMs: number
  /** Workers in their order, and the number of the job that each belonged to. */
  readonly workers: readonly { readonly label: string; readonly job: number }[]
  /** Where the attempts of each worker begin, and, last, where those of the last end: Uint32. */
  readonly offsets: string
  /** Start of each attempt, in units since `fromMs`: Uint32, rising within a worker. */
  readonly starts: string
  /** Duration of each attempt, in units: Uint32. */
  readonly durations: string
  /** Position in `endings`: Uint8. */
  readonly endingIndexes: string
  /** Position in `names`: Uint32. */
  readonly nameIndexes: string
  readonly endings: readonly Ending[]
  readonly names: readonly string[]
  /** Attempts that are shown, and that there are. */
  readonly shownCount: number
  readonly totalCount: number
}

/** How long attempts took. */
export interface DurationDistribution {
  /** Whether the edges of the bins grow by a factor, not by a step. */
  readonly isLogarithmic: boolean
  /** Edges of the bins, milliseconds: one more than there are bins. */
  readonly edgesMs: readonly number[]
  readonly doneCounts: readonly number[]
  readonly otherCounts: readonly number[]
  readonly minMs: number
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
  /** 95th percentile of the attempts that were done; `null` if none was. */
  readonly doneP95Ms: number | null
}

/** Where the time of workers went, milliseconds; they add up to the whole. */
export interface TimeShares {
  readonly busyMs: number
  /** From the start of the job to the worker's first task. */
  readonly startMs: number
  /** Between tasks, where the next came within a second. */
  readonly claimMs: number
  /** Longer pauses: nothing was there to do, or a retry had to wait. */
  readonly waitMs: number
  /** After the worker's last task, until the last task of the job had ended. */
  readonly lastMs: number
}

/** Where the time of a worker, a job or all of them went. */
export interface EfficiencyRow extends TimeShares {
  readonly label: string
  readonly attemptCount: number
}

/** A job: the instances that worked together. */
export interface JobRow extends EfficiencyRow {
  readonly command: string
  readonly hosts: readonly string[]
  readonly workerCount: number
  readonly fromMs: number
  readonly toMs: number
  readonly isAlive: boolean
}

/** Relative links to a task's log files that are there. */
export interface LogLinks {
  readonly stdout?: string
  readonly stderr?: string
}

/** Failures that differ in numbers and names only. */
export interface FailureGroup {
  readonly reason: string
  /** The message, with numbers and the task's name replaced. */
  readonly shape: string
  /** The message of the task that is named. */
  readonly message: string
  readonly attemptCount: number
  /** Tasks that are FAILED because of it. */
  readonly failedTaskCount: number
  readonly task: string
  readonly logs: LogLinks
}

/** An attempt that is named. */
export interface NamedAttempt {
  readonly task: string
  readonly attempt: number | null
  readonly ending: Ending
  readonly startedAtMs: number
  /** `null` where no end is on record. */
  readonly durationMs: number | null
  readonly worker: string
  readonly logs: LogLinks
}

/** Work that gave no result. */
export interface WastedWork {
  /** Number of attempts by how they ended. */
  readonly counts: Readonly<Record<EndingKind, number>>
  /** Tasks that were claimed more than once. */
  readonly repeatedTaskCount: number
  /** Time spent in attempts that failed, were given back, discarded or lost, milliseconds. */
  readonly wastedMs: number
  /** Attempts that were lost or discarded, the first of them. */
  readonly losses: readonly NamedAttempt[]
}

/** What to do differently. */
export interface Advice {
  readonly title: string
  /** The figures that led to it, and what to do. */
  readonly text: string
}

/** All of a report. */
export interface ReportData {
  readonly program: string
  /** Absolute path of the task root. */
  readonly root: string
  readonly writtenAtMs: number
  /** One sentence on how it stands. */
  readonly verdict: string
  /** What `mpibatch check` would exit with. */
  readonly checkExitCode: number
  readonly counts: Readonly<Record<'OPEN' | 'RUNNING' | 'DONE' | 'FAILED' | 'INVALID', number>>
  readonly taskCount: number
  readonly attemptCount: number
  /** Time in which some job was at work, and time that attempts took, milliseconds. */
  readonly wallMs: number
  readonly busyMs: number
  readonly jobs: readonly JobRow[]
  readonly timeline: TimelineData
  readonly distribution: DurationDistribution | null
  readonly failures: readonly FailureGroup[]
  readonly failureGroupCount: number
  readonly efficiency: EfficiencyRow
  /** The workers that were busy for the smallest share of their time. */
  readonly workers: readonly EfficiencyRow[]
  readonly slowest: readonly NamedAttempt[]
  readonly wasted: WastedWork
  readonly advice: readonly Advice[]
}
