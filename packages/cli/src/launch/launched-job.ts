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
import { findRankLoss, type RankLoss } from './rank-loss.ts'
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
  /** Gets the standard output of launcher and ranks. @defaultValue this process's */
  readonly output?: NodeJS.WritableStream
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
  /** The rank that died, as far as the launcher says so. */
  readonly lostRank: RankLoss | undefined
  /** How the launcher itself ended: `exit code 137`, `SIGKILL`, or why it could not be started. */
  readonly launcher: string
}

const GRACE_MS = 5000
const FINISH_MS = 15_000
/** How long nothing comes when the launcher is gone, until what holds its pipes open counts as left behind. */
const QUIET_MS = 1000
/** After so many of them nothing is left in the pipes that the launcher has seen. */
const ROUNDS_MAX = 10
/** How much of the end of what a launcher printed is looked through for a lost rank. */
const TAIL_CHARACTERS = 8192

/** See the top of this file. */
export class LaunchedJob {
  /** Resolves when it is over. */
  readonly ended: Promise<LaunchEnd>
  readonly #options: LaunchOptions
  readonly #child: ChildProcessByStdio<Writable | null, Readable, Readable>
  readonly #lostHosts = new Set<string>()
  /** The last that came on standard output, and on standard error: launchers differ in where they say it. */
  readonly #tails = { output: '', lines: '' }
  /** Pieces of output, and lines, that came. */
  #partCount = 0
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
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>
    this.#child = child
    // A launcher that has read enough, or is gone.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
    const lines = readLines(child.stderr, (line) => this.#onLine(line))
    this.ended = this.#watch(Promise.all([lines, this.#handOnOutput(child.stdout)]))
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

  async #watch(printed: Promise<unknown>): Promise<LaunchEnd> {
    const launcher = await new Promise<string>((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    await this.#settle(printed)
    clearTimeout(this.#finish)
    clearTimeout(this.#grace)
    if (this.#exitCode === undefined || this.#grace !== undefined) await this.#endRest()
    this.#child.stderr.destroy()
    this.#child.stdout.destroy()
    return {
      exitCode: this.#exitCode,
      started: this.#started,
      lostHosts: [...this.#lostHosts],
      lostRank: findRankLoss(`${this.#tails.lines}\n${this.#tails.output}`),
      launcher,
    }
  }

  /** Waits until all that was printed has gone on, or nothing comes any more. */
  async #settle(printed: Promise<unknown>): Promise<void> {
    const patience = new AbortController()
    const isOver = printed.then(() => true)
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const before = this.#partCount
      const late = pause(QUIET_MS, false, { signal: patience.signal }).catch(() => false)
      // Whoever reads our output may be slow, so time alone says nothing.
      if ((await Promise.race([isOver, late])) || this.#partCount === before) break
    }
    patience.abort()
  }

  /** Passes bytes on as they come; resolves when there are no more. */
  #handOnOutput(stream: Readable): Promise<void> {
    const output = this.#options.output ?? process.stdout
    stream.on('data', (bytes: Buffer) => {
      this.#partCount += 1
      this.#tails.output = `${this.#tails.output}${bytes.toString('latin1')}`.slice(-TAIL_CHARACTERS)
    })
    stream.pipe(output, { end: false })
    // Nobody reads any more: the launcher is to notice, as it would without us.
    const onError = (): void => void stream.destroy()
    output.on('error', onError)
    return new Promise((resolve) => {
      stream.once('close', () => {
        output.off('error', onError)
        resolve()
      })
    })
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
    this.#partCount += 1
    const { word, shown } = readSupervisorLine(this.#options.token, line)
    if (word === undefined || shown !== '') {
      this.#tails.lines = `${this.#tails.lines}\n${shown}`.slice(-TAIL_CHARACTERS)
      this.#options.onLine(shown)
    }
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
