import { setMaxListeners } from 'node:events'
import { closeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { PERMANENT_LEASE, StateIoError, type StoreLease } from '@mpibatch/batch-core'
import { type CommandFault, findCommand, shellFault, startFault } from './command-fault.ts'
import type { CommandGuard } from './command-guard.ts'
import type { Command, CommandResult, CommandRunner } from './command-runner.ts'
import { ExecutableFinder } from './executable-finder.ts'
import { openLogFile } from './log-file.ts'
import { openProcessStarter } from './open-process-starter.ts'
import type { ProcessEnd, ProcessStarter, StartedProcess } from './process-starter.ts'
import { RunningCommand } from './running-command.ts'

/** How a {@link LocalCommandRunner} starts and ends commands. */
export interface LocalCommandRunnerOptions {
  /** Milliseconds between TERM and KILL. @defaultValue 5000 */
  readonly graceMs?: number
  /** Opens what starts processes, when the first command comes. @defaultValue {@link openProcessStarter} */
  readonly open?: (() => Promise<ProcessStarter>) | undefined
  /** What commands need to start: none does while it is not valid. @defaultValue one that is always valid */
  readonly lease?: StoreLease
  /** Stops commands also while this thread is stuck. @defaultValue none */
  readonly guard?: CommandGuard | undefined
}

/** The log files of a command, open; a stream without one is thrown away. */
type Logs = { readonly stdout: number | undefined; readonly stderr: number | undefined }
/** A command that has started, or failed to. */
interface Begun {
  readonly process: StartedProcess
  /** The start by the wall clock, and by the monotonic one. */
  readonly startedAtMs: number
  readonly clockMs: number
}

const GRACE_MS = 5000
/** Between two looks at a lease that is in doubt. */
const LEASE_LOOK_MS = 10
/** From the look at the lease to the start. A lease that has run out leaves far longer before others start the task. */
const TURN_MS_MAX = 250

/** Runs commands as processes of this machine. */
export class LocalCommandRunner implements CommandRunner {
  readonly #graceMs: number
  readonly #open: () => Promise<ProcessStarter>
  readonly #lease: StoreLease
  readonly #guard: CommandGuard | undefined
  readonly #finder = new ExecutableFinder()
  readonly #running = new Set<RunningCommand>()
  #starter: Promise<ProcessStarter> | undefined
  #isHeld = false

  constructor(options: LocalCommandRunnerOptions = {}) {
    this.#graceMs = options.graceMs ?? GRACE_MS
    this.#open = options.open ?? openProcessStarter
    this.#lease = options.lease ?? PERMANENT_LEASE
    this.#guard = options.guard
  }

  /** See {@link CommandRunner.run}. */
  async run(command: Command): Promise<CommandResult> {
    this.#starter ??= this.#open()
    const starter = await this.#starter
    // The logs may be a successor's by now, just as the task.
    const found = (await this.#mayStart(command)) ? findCommand(command, this.#finder) : INTERRUPTED
    if ('reason' in found) return notStarted(found)
    const logs = openLogs(command)
    if ('reason' in logs) return notStarted(logs)
    const place = this.#guard?.place()
    let begun: Begun | undefined
    try {
      const options = { waitMaxMs: TURN_MS_MAX, group: place?.group }
      begun = await this.#begin(command, starter.prepare({ ...command, ...found, ...logs, ...options }))
    } catch (error) {
      return notStarted(startFault(error as NodeJS.ErrnoException))
    } finally {
      closeLogs(logs)
      if (begun === undefined) place?.free()
    }
    return begun === undefined ? notStarted(INTERRUPTED) : await this.#watch(command, begun, place?.free)
  }

  /** See {@link CommandRunner.hold}. */
  hold(): void {
    this.#isHeld = true
    for (const running of this.#running) running.hold()
  }

  /** See {@link CommandRunner.goOn}. */
  goOn(): void {
    this.#isHeld = false
    for (const running of this.#running) running.goOn()
  }

  /** Waits while the lease is in doubt. @returns Whether the command may start. */
  async #mayStart(command: Command): Promise<boolean> {
    while (!isStopped(command)) {
      const { state } = this.#lease
      if (state !== 'suspect') return state === 'valid'
      await pause(LEASE_LOOK_MS)
    }
    return false
  }

  /** Starts a command while the lease is valid. @returns `undefined` if it may not start any more. */
  async #begin(command: Command, start: () => Promise<StartedProcess>): Promise<Begun | undefined> {
    while (await this.#mayStart(command)) {
      // In this turn others may have had theirs. Nothing but the start's own turn comes between this look and it.
      if (isStopped(command) || this.#lease.state !== 'valid') continue
      const [atMs, clockMs] = [Date.now(), performance.now()]
      try {
        const process = await start()
        const { waitedMs = 0 } = process
        return { process, startedAtMs: atMs + waitedMs, clockMs: clockMs + waitedMs }
      } catch (error) {
        // So late that the lease wants another look.
        if ((error as NodeJS.ErrnoException).code !== 'ECANCELED') throw error
      }
    }
    return undefined
  }

  /**
   * Holds a command whose lease ran out between the last look at it and the start: this process was frozen there, and
   * the task may be somebody else's by now. The timers that hold all other commands would come later. A command that
   * is quicker than this may have begun; it can't publish a result.
   */
  async #holdInDoubt(running: RunningCommand): Promise<void> {
    running.hold()
    let { state } = this.#lease
    while (state === 'suspect') {
      await pause(LEASE_LOOK_MS)
      state = this.#lease.state
    }
    if (state === 'lost') running.kill('interrupted')
    else if (!this.#isHeld) running.goOn()
  }

  /** Stays with a command to its end. @param onEnd - Called at once when it has ended. */
  async #watch(command: Command, begun: Begun, onEnd: (() => void) | undefined): Promise<CommandResult> {
    const { pid: processGroup, startTime, ended } = begun.process
    if (processGroup === undefined) {
      const end = await ended
      onEnd?.()
      return notStarted(startFault('error' in end ? end.error : new Error('no process number')))
    }
    const { timeoutMs, signal, killSignal } = command
    const running = new RunningCommand(processGroup, {
      graceMs: this.#graceMs,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    this.#running.add(running)
    if (this.#isHeld) running.hold()
    else if (this.#lease.state !== 'valid') void this.#holdInDoubt(running)
    const interrupt = (): void => running.end('interrupted')
    const kill = (): void => running.kill('interrupted')
    listen(signal, interrupt)
    listen(killSignal, kill)
    let refusal: { readonly error: unknown } | undefined
    try {
      command.onStart?.({ processGroup, ...(startTime === undefined ? {} : { startTime }) })
    } catch (error) {
      refusal = { error }
      kill()
    }
    const end = await ended
    onEnd?.()
    const durationMs = performance.now() - begun.clockMs
    // What comes from here on ends what the command has left behind, not the command.
    const { cause } = running
    this.#running.delete(running)
    await running.settle({ mayBeLeft: 'error' in end || end.mayBeLeft })
    signal?.removeEventListener('abort', interrupt)
    killSignal?.removeEventListener('abort', kill)
    if (refusal !== undefined) throw refusal.error
    return { ...outcome(command, end, cause), startedAtMs: begun.startedAtMs, durationMs }
  }
}

const INTERRUPTED: CommandFault = {
  reason: 'interrupted',
  message: 'The run was stopped before the command started.',
}

function isStopped(command: Command): boolean {
  return command.signal?.aborted === true || command.killSignal?.aborted === true
}

function notStarted(fault: CommandFault): CommandResult {
  return { ...fault, startedAtMs: Date.now(), durationMs: 0 }
}

function listen(signal: AbortSignal | undefined, action: () => void): void {
  if (signal === undefined) return
  if (signal.aborted) {
    // While the command waited for its turn; it is too late to hear of that.
    action()
    return
  }
  // One signal stands for the whole run; Node would take more than ten listeners for a leak.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', action)
}

function outcome(
  command: Command,
  end: ProcessEnd,
  cause: RunningCommand['cause'],
): Omit<CommandResult, 'startedAtMs' | 'durationMs'> {
  if ('error' in end) return { reason: 'error', message: `How it ended is not known: ${end.error.message}` }
  const { code, signal } = end
  const facts = {
    ...(code === null ? {} : { exitCode: code }),
    ...(signal === null ? {} : { signal }),
  }
  if (cause === 'timeout') {
    return { reason: cause, ...facts, message: `It ran longer than ${(command.timeoutMs ?? 0) / 1000} s.` }
  }
  if (cause === 'interrupted') return { reason: cause, ...facts }
  if (signal !== null) return { reason: 'signal', ...facts }
  if (code === 0) return { reason: 'done', ...facts }
  const message = shellFault(command.argv, code)
  return { reason: 'exit', ...facts, ...(message === undefined ? {} : { message }) }
}

const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'])

/**
 * Opens the log files, or says why that failed; then none is left open.
 *
 * @throws {@link StateIoError} if the disk is full or broken.
 */
function openLogs(command: Command): Logs | CommandFault {
  const logs: { stdout: number | undefined; stderr: number | undefined } = {
    stdout: undefined,
    stderr: undefined,
  }
  for (const name of ['stdout', 'stderr'] as const) {
    const path = command[`${name}Path`]
    if (path === undefined) continue
    try {
      logs[name] = openLogFile(path)
    } catch (error) {
      closeLogs(logs)
      if (DISK_ERRORS.has((error as NodeJS.ErrnoException).code ?? '')) {
        // Not the command's fault, and the next one's log would fare no better.
        throw new StateIoError(
          `Could not make the log file ${path}: ${(error as Error).message}. Free some space, or check the disk, and run again.`,
          { cause: error, details: { path } },
        )
      }
      return { reason: 'error', message: `Its log file can't be made: ${(error as Error).message}` }
    }
  }
  return logs
}

function closeLogs({ stdout, stderr }: Logs): void {
  for (const log of [stdout, stderr]) if (log !== undefined) closeSync(log)
}
