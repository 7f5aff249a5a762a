/**
 * One start of all ranks through a launcher, to its end.
 *
 * Guarantees: when `ended` resolves, nothing that the launcher started on this machine runs any more, unless the ranks
 * said that the run had ended, and the launcher ended by itself after that. Whatever the launcher does, `ended` resolves
 * within bounds of the last word of the ranks, of the launcher's end, or of {@link LaunchedJob.end}.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { endProcessesWith } from '@mpibatch/fs-state'
import { signalGroup } from '../command/process-group.ts'
import { readSupervisorLine } from './supervisor-line.ts'

/** Carries the token, so that all that a launcher started is found; tasks don't inherit it. */
export const SUPERVISOR_VARIABLE = 'MPIBATCH_SUPERVISOR'

/** What {@link LaunchedJob} starts. */
export interface LaunchOptions {
  /** The launcher and all its words. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What rank 0 reads from standard input; nothing if left out. */
  readonly input: Buffer | undefined
  /** Marks lines on standard error that are meant for the supervisor. */
  readonly token: string
  /** Hears every other line of standard error, without its newline. */
  readonly onLine: (line: string) => void
  /** Between TERM and KILL, milliseconds. @defaultValue 5000 */
  readonly graceMs?: number
  /** How long the launcher may run after the ranks have said that the run is over. @defaultValue 15,000 */
  readonly finishMs?: number
}

/** How a start ended. */
export interface LaunchEnd {
  /** Exit code of the run, if the ranks have said that it is over. */
  readonly exitCode: number | undefined
  /** Whether rank 0 came as far as listening to signals. */
  readonly started: boolean
  /** Hosts that the ranks found silent. */
  readonly lostHosts: readonly string[]
  /** How the launcher itself ended: `exit code 137`, `SIGKILL`, or why it could not be started. */
  readonly launcher: string
}

const GRACE_MS = 5000
const FINISH_MS = 15_000
/** How long lines may still come when the launcher is gone: what holds the pipe open then was left behind. */
const LINES_MS = 1000

/** See the top of this file. */
export class LaunchedJob {
  /** Resolves when it is over. */
  readonly ended: Promise<LaunchEnd>
  readonly #options: LaunchOptions
  readonly #child: ChildProcessByStdio<Writable | null, null, Readable>
  readonly #lostHosts = new Set<string>()
  #exitCode: number | undefined
  #started = false
  #finish: NodeJS.Timeout | undefined
  #grace: NodeJS.Timeout | undefined

  /** Starts it. */
  constructor(options: LaunchOptions) {
    this.#options = options
    const [program = '', ...words] = options.words
    const child = spawn(program, words, {
      env: { ...options.environment, [SUPERVISOR_VARIABLE]: options.token },
      // A session of its own: the terminal's Ctrl-C comes to us alone, and it can be ended as a whole.
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'inherit', 'pipe'],
    }) as ChildProcessByStdio<Writable | null, null, Readable>
    this.#child = child
    // A launcher that has read enough, or is gone.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
    this.ended = this.#watch(readLines(child.stderr, (line) => this.#onLine(line)))
  }

  /** Whether rank 0 listens to signals. */
  get started(): boolean {
    return this.#started
  }

  /** Asks the launcher to hand a signal on to its ranks. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends everything: TERM, and KILL when the grace is over. */
  end(): void {
    if (this.#grace !== undefined) return
    this.#send('SIGTERM')
    this.#grace = setTimeout(() => this.#send('SIGKILL'), this.#options.graceMs ?? GRACE_MS)
  }

  async #watch(lines: Promise<void>): Promise<LaunchEnd> {
    const launcher = await new Promise<string>((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    const patience = new AbortController()
    await Promise.race([
      lines,
      pause(LINES_MS, undefined, { signal: patience.signal }).catch(() => undefined),
    ])
    patience.abort()
    clearTimeout(this.#finish)
    clearTimeout(this.#grace)
    if (this.#exitCode === undefined || this.#grace !== undefined) await this.#endRest()
    this.#child.stderr.destroy()
    return {
      exitCode: this.#exitCode,
      started: this.#started,
      lostHosts: [...this.#lostHosts],
      launcher,
    }
  }

  /** Ends what the launcher has left on this machine: daemons, and ranks. */
  async #endRest(): Promise<void> {
    this.#send('SIGKILL')
    await endProcessesWith({ [SUPERVISOR_VARIABLE]: this.#options.token })
  }

  #send(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid !== undefined) signalGroup(pid, signal)
  }

  #onLine(line: string): void {
    const { word, shown } = readSupervisorLine(this.#options.token, line)
    if (word === undefined || shown !== '') this.#options.onLine(shown)
    if (word?.kind === 'started') this.#started = true
    if (word?.kind === 'ended' && this.#exitCode === undefined) {
      this.#exitCode = word.exitCode
      this.#finish = setTimeout(() => this.end(), this.#options.finishMs ?? FINISH_MS)
    }
    if (word?.kind === 'lost') {
      for (const host of word.hosts) this.#lostHosts.add(host)
      // The ranks end themselves; launchers wait for ever for those of a host without power.
      this.end()
    }
  }
}

/** Calls back for each line; resolves when there are no more. */
function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
  return new Promise((resolve) => {
    stream.once('close', () => {
      if (rest !== '') onLine(rest)
      resolve()
    })
  })
}
