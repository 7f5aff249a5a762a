import type { AttemptReason } from '@mpibatch/batch-core'

/** A command, and all that its process is given. */
export interface Command {
  /** The program and its arguments. A program without a slash is looked for on the `PATH` of `environment`. */
  readonly argv: readonly string[]
  /** Working directory; a relative program is found from here. */
  readonly directory: string
  /** The environment; nothing is inherited beside it. The same object for many commands is looked through once. */
  readonly environment: Readonly<Record<string, string>>
  /** Variables of this command; none of their names is in `environment`. @defaultValue none */
  readonly variables?: Readonly<Record<string, string>>
  /** File for standard output, replaced if it is there; without it, the output is thrown away. */
  readonly stdoutPath?: string
  /** File for standard error, replaced if it is there; without it, the output is thrown away. */
  readonly stderrPath?: string
  /** Milliseconds after which the command is ended; without it, never. */
  readonly timeoutMs?: number
  /** Called once when the command runs, before anything is known of its end. */
  readonly onStart?: (started: StartedCommand) => void
  /** Ends the command as a timeout does: TERM first, KILL when the grace is over. */
  readonly signal?: AbortSignal
  /** Ends the command with KILL at once. */
  readonly killSignal?: AbortSignal
}

/** A command that has started. */
export interface StartedCommand {
  /** Number of the process group that the command leads. */
  readonly processGroup: number
  /** When the command started, in clock ticks since boot (proc(5)); left out if that has to be looked up. */
  readonly startTime?: string
}

/** How a command ended. */
export interface CommandResult {
  /** `done` is exit code 0; `interrupted` and `timeout` stand whatever the command made of the signal. */
  readonly reason: AttemptReason
  /** Exit code, of a command that exited. */
  readonly exitCode?: number
  /** Name of the signal that ended it, `SIGKILL`. */
  readonly signal?: string
  /** What there is to say beyond exit code and signal, as one line. */
  readonly message?: string
  /** Wall-clock start, milliseconds since 1970. */
  readonly startedAtMs: number
  /** From the start to the end of the command itself, by a monotonic clock, milliseconds. */
  readonly durationMs: number
}

/**
 * Runs commands, any number at once.
 *
 * Each command leads a session and a process group of its own, with `/dev/null` as standard input. A task is over
 * when its command is: what is left of the process group then is ended before the result is given, since it would
 * be a second copy when the task runs again. A member that has left the group (a daemon after `setsid`) is not found
 * and not touched.
 */
export interface CommandRunner {
  /**
   * Runs one command to its end.
   *
   * A command that can't be started is a result too (`not-found`, `not-executable` or `error`, with a message).
   *
   * @throws What `onStart` throws; the command is ended before. {@link StateIoError} if the disk can't take its log.
   */
  run(command: Command): Promise<CommandResult>
  /** Stops all that runs, and what starts from now on, with SIGSTOP; their time stands still. Idempotent. */
  hold(): void
  /** Lets what was held go on. */
  goOn(): void
}
