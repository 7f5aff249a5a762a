/**
 * Asks Slurm whether a job still runs, so that what a killed, cancelled or preempted job left need not be waited for.
 *
 * What Slurm says is believed where it is sure that the job's processes are gone. A node that it has lost may go on
 * working (`NODE_FAIL`), and a job of another cluster may have the same number: there, and where there is no Slurm, the
 * answer is `unknown`, and only the owner's own signs of life count.
 */
import { execFile } from 'node:child_process'
import type { JobState, JobStates, SchedulerJob } from './job-states.ts'

/** What Slurm says of a job. */
export interface JobAnswer {
  readonly verdict: JobState
  /** Slurm's own word for the job's state; `undefined` where it gave none. */
  readonly word?: string
}

/** What this machine's Slurm knows. Answers may be some seconds old. */
export interface SlurmJobs extends JobStates {
  /** Judges a job as {@link JobStates.judge} does, and says by what. */
  describe(job: SchedulerJob): Promise<JobAnswer>
}

/** Time that `scontrol` gets for an answer, milliseconds. */
const TIMEOUT_MS = 10_000
/** Time for which an answer is good, milliseconds. */
const FRESH_MS = 5000
/** Bytes of an answer: an array of 10,000 jobs takes a line of about 1 kB each. */
const ANSWER_SIZE_MAX = 64 << 20

/** States in which no process of the job is left. REVOKED is not among them: it then runs in another cluster. */
const ENDED: ReadonlySet<string> = new Set([
  'BOOT_FAIL',
  'CANCELLED',
  'COMPLETED',
  'DEADLINE',
  'FAILED',
  'OUT_OF_MEMORY',
  'PREEMPTED',
  'TIMEOUT',
])
/** States in which there may be processes of it. COMPLETING: they are being ended. */
const RUNNING: ReadonlySet<string> = new Set([
  'COMPLETING',
  'CONFIGURING',
  'RESIZING',
  'RUNNING',
  'SIGNALING',
  'STAGE_OUT',
  'STOPPED',
  'SUSPENDED',
])

/** What `scontrol show job` says of a job. */
export interface SlurmJob {
  /** `RUNNING`, `PENDING`, …; `GONE` if Slurm has forgotten the job, some minutes after its end. */
  readonly state: string
  /** How often the job has been started again. */
  readonly restartCount: number
}

/** How a program ended. */
interface Answer {
  readonly exitCode: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Makes the answers of this machine's Slurm. Nothing is started before the first question. */
export function createSlurmJobs(): SlurmJobs {
  return new ScontrolJobs()
}

class ScontrolJobs implements SlurmJobs {
  readonly #answers = new Map<
    string,
    { readonly atMs: number; readonly job: Promise<SlurmJob | undefined> }
  >()
  #cluster: Promise<string | undefined> | undefined

  async judge(job: SchedulerJob): Promise<JobState> {
    return (await this.describe(job)).verdict
  }

  async describe(recorded: SchedulerJob): Promise<JobAnswer> {
    const { jobId, cluster } = recorded
    // What stands in a root is not ours: only a number goes to the command line.
    if (!/^[0-9]{1,10}$/.test(jobId) || cluster === undefined) return { verdict: 'unknown' }
    if ((await this.#clusterName()) !== cluster) return { verdict: 'unknown' }
    const job = await this.#job(jobId)
    return job === undefined ? { verdict: 'unknown' } : { verdict: judgeJob(job, recorded), word: job.state }
  }

  #job(jobId: string): Promise<SlurmJob | undefined> {
    const known = this.#answers.get(jobId)
    if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return known.job
    const job = this.#ask(['show', 'job', jobId, '-o']).then((answer) => parseJob(answer, jobId))
    this.#answers.set(jobId, { atMs: performance.now(), job })
    return job
  }

  async #clusterName(): Promise<string | undefined> {
    this.#cluster ??= this.#ask(['show', 'config']).then(({ exitCode, stdout }) =>
      exitCode === 0 ? /^ClusterName\s*=\s*(\S+)/m.exec(stdout)?.[1] : undefined,
    )
    const name = await this.#cluster
    // A controller that did not answer may do so later; a program that is not there is found out as fast again.
    if (name === undefined) this.#cluster = undefined
    return name
  }

  #ask(argv: readonly string[]): Promise<Answer> {
    const settings = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: ANSWER_SIZE_MAX } as const
    return new Promise((resolve) => {
      execFile('scontrol', [...argv], settings, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : (error.code ?? 'killed'), stdout, stderr }),
      )
    })
  }
}

/** Reads the answer to `scontrol show job ID -o` (pure); `undefined` if it says nothing about the job. */
export function parseJob(answer: Answer, jobId: string): SlurmJob | undefined {
  const { exitCode, stdout, stderr } = answer
  if (exitCode !== 0)
    return stderr.includes('Invalid job id specified') ? { state: 'GONE', restartCount: 0 } : undefined
  // An array or a heterogeneous job has a line for each of its jobs.
  const line = stdout.split('\n').find((one) => one.startsWith(`JobId=${jobId} `))
  // A job's name, which comes first, may hold anything.
  const found = / JobState=([A-Z_]+) Reason=.*? Requeue=[01] Restarts=([0-9]+) /.exec(line ?? '')
  return found === null ? undefined : { state: found[1] ?? '', restartCount: Number(found[2]) }
}

/** What a job's state means to an instance of it (pure). */
export function judgeJob(job: SlurmJob, { restartCount = 0 }: SchedulerJob): JobState {
  if (job.state === 'GONE') return 'ended'
  // Slurm counts a restart when it begins to end what ran before, and may take half a minute for that.
  if (job.state === 'COMPLETING') return 'running'
  if (job.restartCount > restartCount) return 'ended'
  if (ENDED.has(job.state)) return 'ended'
  return RUNNING.has(job.state) ? 'running' : 'unknown'
}
