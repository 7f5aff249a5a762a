import { EXIT_CODE } from '../exit-code.ts'

/** What is known of a job when its run has ended. */
export interface EndedRun {
  readonly exitCode: number
  /** Whether Slurm's signal has come. */
  readonly isDrained: boolean
  /** Whether the run keeps to a time limit by itself. */
  readonly hasTimeLimit: boolean
  /** Whether TERM or INT came before Slurm's signal, or long before the end of the job. */
  readonly isCancelled: boolean
}

/**
 * Whether a job goes on in another one (pure): tasks are open, and nothing but the time has ended the run. A policy to halt,
 * a user's cancelling, and an error end it for good.
 */
export function goesOn({ exitCode, isDrained, hasTimeLimit, isCancelled }: EndedRun): boolean {
  if (exitCode !== EXIT_CODE.terminated || isCancelled) return false
  return isDrained || hasTimeLimit
}
