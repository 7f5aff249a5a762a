import { type ChildProcess, spawn } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { closeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { PERMANENT_LEASE, StateIoError, type StoreLease } from '@mpibatch/batch-core'
import { type CommandFault, commandFault, shellFault, startFault } from './command-fault.ts'
import type { CommandGuard } from './command-guard.ts'
import type { Command, CommandResult, CommandRunner } from './command-runner.ts'
import { openLogFile } from './log-file.ts'
import { parentDeathWords } from './parent-death-signal.ts'
import { RunningCommand } from './running-command.ts'

/** How {@link NodeCommandRunner} starts and ends commands. */
export interface NodeCommandRunnerOptions {
  /** Milliseconds between TERM and KILL. @defaultValue 5000 */
  readonly graceMs?: number
  /** Whether commands die with this process, where the system can do it. @defaultValue true */
  readonly parentDeathSignal?: boolean
  /** What commands need to start: none does while it is not valid. @defaultValue one that is always valid */
  readonly lease?: StoreLease
  /** Stops commands also while this thread is stuck. @defaultValue none */
  readonly guard?: CommandGuard | undefined
}

type Stdio = 'ignore' | number
/** The start by the wall clock and by the monotonic one. */
type StartTimes = { readonly atMs: number; readonly clockMs: number }
type Exit = { readonly error: Error } | { readonly code: number | null; readonly signal: string | null }

const GRACE_MS = 5000
/** Between two looks at a lease that is in doubt. */
const LEASE_LOOK_MS = 10

/**
 * Runs commands through Node's own `child_process`.
 *
 * Two things it can't do: Node reports a command that died of a real-time signal (34 to 64) as one that exited with 0;
 * and a process forks the slower the more memory it has.
 */
export class NodeCommandRunner implements CommandRunner {
  readonly #graceMs: number
  readonly #parentDeathSignal: boolean
  readonly #lease: StoreLease
  readonly #guard: CommandGuard | undefined
  readonly #running = new Set<RunningCommand>()
  #isHeld = false

  constructor(options: NodeCommandRunnerOptions = {}) {
    this.#graceMs = options.graceMs ?? GRACE_MS
    this.#parentDeathSignal = options.parentDeathSignal ?? true
    this.#lease = options.lease ?? PERMANENT_LEASE
    this.#guard = options.guard
  }

  /** See {@link CommandRunner.run}. */
  async run(command: Command): Promise<CommandResult> {
    const prefix = this.#parentDeathSignal ? await parentDeathWords() : []
    // The logs may be a successor's by now, just as the task.
    const fault = (await this.#mayStart(command)) ? commandFault(command) : INTERRUPTED
    if (fault !== undefined) return notStarted(fault)
    const logs = await openLogs(command)
    if ('reason' in logs) return notStarted(logs)
    let start: StartTimes
    let child: ChildProcess
    try {
      if (!(await this.#mayStart(command))) return notStarted(INTERRUPTED)
      start = { atMs: Date.now(), clockMs: performance.now() }
      child = startProcess([...prefix, ...command.argv], command, logs)
    } catch (error) {
      return notStarted(startFault(error as NodeJS.ErrnoException))
    } finally {
      closeLogs(logs)
    }
    return await this.#watch(command, child, start)
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

  /** Stays with a command to its end. Runs up to the first wait in the turn of the start, so no event is missed. */
  async #watch(command: Command, child: ChildProcess, start: StartTimes): Promise<CommandResult> {
    const exited = exitOf(child)
    const processGroup = child.pid
    if (processGroup === undefined) {
      const exit = await exited
      return notStarted(startFault('error' in exit ? exit.error : new Error('no process number')))
    }
    const { timeoutMs, signal, killSignal } = command
    const running = new RunningCommand(processGroup, {
      graceMs: this.#graceMs,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    this.#running.add(running)
    const unwatch = this.#guard?.watch(processGroup)
    if (this.#isHeld) running.hold()
    else if (this.#lease.state !== 'valid') void this.#holdInDoubt(running)
    const interrupt = (): void => running.end('interrupted')
    const kill = (): void => running.kill('interrupted')
    listen(signal, interrupt)
    listen(killSignal, kill)
    let refusal: { readonly error: unknown } | undefined
    try {
      command.onStart?.({ processGroup })
    } catch (error) {
      refusal = { error }
      kill()
    }
    const exit = await exited
    unwatch?.()
    const durationMs = performance.now() - start.clockMs
    // What comes from here on ends what the command has left behind, not the command.
    const { cause } = running
    this.#running.delete(running)
    await running.settle()
    signal?.removeEventListener('abort', interrupt)
    killSignal?.removeEventListener('abort', kill)
    if (refusal !== undefined) throw refusal.error
    return { ...outcome(command, exit, cause), startedAtMs: start.atMs, durationMs }
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

function startProcess(argv: readonly string[], command: Command, logs: readonly Stdio[]): ChildProcess {
  const [program = '', ...words] = argv
  return spawn(program, words, {
    cwd: command.directory,
    env: command.environment,
    // A session of its own, and with it a process group: a signal of the terminal doesn't reach it.
    detached: true,
    stdio: ['ignore', ...logs],
  })
}

function listen(signal: AbortSignal | undefined, action: () => void): void {
  if (signal === undefined) return
  // One signal stands for the whole run; Node would take more than ten listeners for a leak.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', action)
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

function outcome(
  command: Command,
  exit: Exit,
  cause: RunningCommand['cause'],
): Omit<CommandResult, 'startedAtMs' | 'durationMs'> {
  if ('error' in exit) return startFault(exit.error)
  const { code, signal } = exit
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
async function openLogs(command: Command): Promise<readonly Stdio[] | CommandFault> {
  const logs: Stdio[] = []
  for (const path of [command.stdoutPath, command.stderrPath]) {
    try {
      logs.push(path === undefined ? 'ignore' : await openLogFile(path))
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

function closeLogs(logs: readonly Stdio[]): void {
  for (const log of logs) if (log !== 'ignore') closeSync(log)
}
