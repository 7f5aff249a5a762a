import type { ProcessStart } from '@mpibatch/native-mpi/process-spawner'

export type { ProcessStart }

/** How a process ended, or why it did not start. */
export type ProcessEnd =
  | { readonly error: Error }
  | {
      /** `null` if a signal ended it. */
      readonly code: number | null
      /** `null` if it exited. */
      readonly signal: string | null
      /** Whether its group may have had other members when it was collected. */
      readonly mayBeLeft: boolean
    }

/** What has come of a start. */
export interface StartedProcess {
  /** Number of the process and of the group that it leads; `undefined` if it did not start, which `ended` explains. */
  readonly pid: number | undefined
  /** When it started, in clock ticks since boot (proc(5)); `undefined` if that has to be looked up. */
  readonly startTime?: string | undefined
  /** Milliseconds that it waited for its turn. @defaultValue none */
  readonly waitedMs?: number | undefined
  readonly ended: Promise<ProcessEnd>
}

/**
 * Starts processes, each in a session and a process group of its own, with `/dev/null` as standard input, default signal
 * actions, and none of our descriptors but those that it is given.
 */
export interface ProcessStarter {
  /**
   * Does all that can be done before a start.
   *
   * @returns Starts the process, at most once at a time, without waiting for anything but its turn. Rejects with the
   *   system's error, or ECANCELED if that took longer than `waitMaxMs`. The number of the process is its own until all that
   *   waits for the promise has had its turn, or longer.
   * @throws If a text holds a NUL.
   */
  prepare(start: ProcessStart): () => Promise<StartedProcess>
}
