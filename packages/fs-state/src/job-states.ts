/** A job of a scheduler, as an instance records it. */
export interface SchedulerJob {
  /** Number of the job. */
  readonly jobId: string
  /** Name of the cluster whose job it is, if it was known. */
  readonly cluster?: string
  /** How often the job had been started again when the instance began. */
  readonly restartCount?: number
}

/** What a job scheduler knows of a job: `unknown` where there is no scheduler, or it does not answer. */
export type JobState = 'running' | 'ended' | 'unknown'

/** Asks a job scheduler. */
export interface JobStates {
  /** Tells what has become of a job; never throws. */
  judge(job: SchedulerJob): Promise<JobState>
}

/** Where nobody can be asked. */
export const NO_JOB_STATES: JobStates = { judge: () => Promise.resolve('unknown') }
