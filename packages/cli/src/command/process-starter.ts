/** A program to start, and all that its process is given. */
export interface ProcessStart {
  /** The program's file as execvp(3) names it when it has searched the path: seen from `directory`. */
  readonly file: string
  /** The program, by the name that it finds for itself, and its arguments. */
  readonly argv: readonly string[]
  /** Working directory. */
  readonly directory: string
  /** The whole environment; nothing is inherited beside it. */
  readonly environment: Readonly<Record<string, string>>
  /** Descriptor for standard output; without it, the output is thrown away. */
  readonly stdout?: number | undefined
  /** Descriptor for standard error; without it, the output is thrown away. */
  readonly stderr?: number | undefined
}

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
   * @returns Starts the process, at most once, without waiting for anything else first. Throws the system's error.
   * @throws If a text holds a NUL.
   */
  prepare(start: ProcessStart): () => StartedProcess
}
