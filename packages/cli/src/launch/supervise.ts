/**
 * `mpibatch run --launcher 'mpirun -n 64' …`: starts the ranks through a launcher, and starts them again when a rank, a
 * node or the launcher was lost. The store makes that safe: what the lost ranks had begun is taken over, what was DONE
 * stays so.
 *
 * This process knows no MPI. It hears from the ranks by lines with a token that only it and they know
 * (`supervisor-line.ts`): a run that has ended, well or not, is never started again.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ConfigError } from '@mpibatch/batch-core'
import { findExecutable } from '../command/find-executable.ts'
import { EXIT_CODE } from '../exit-code.ts'
import { type LaunchEnd, LaunchedJob } from './launched-job.ts'
import { endingTogether, splitLauncher } from './launcher-words.ts'
import { describeRankLoss } from './rank-loss.ts'
import { RankWatch } from './rank-watch.ts'
import { withoutHosts } from './without-hosts.ts'

/** What {@link supervise} needs. */
export interface SuperviseOptions {
  /** The text of `--launcher`. */
  readonly launcher: string
  /** How often to start again, at most. */
  readonly restarts: number
  /** Ranks of a worker group. */
  readonly groupSize: number
  /** The words of a rank behind the launcher's; a later start waits for tasks of the ones before. */
  readonly rankWords: (start: { readonly token: string; readonly again: boolean }) => readonly string[]
  /** Rank 0's standard input; without it, nothing. */
  readonly input: Buffer | undefined
  /** Shows a line of standard error. */
  readonly onLine: (line: string) => void
  /** Before the first new start, milliseconds; doubles with each. @defaultValue 1000 */
  readonly delayMs?: number
}

const DELAY_MS = 1000
const DELAY_MS_MAX = 60_000

/** Names of lost hosts in the launcher's environment, parted by commas, for launchers that are scripts. */
const LOST_HOSTS_VARIABLE = 'MPIBATCH_LOST_HOSTS'

/**
 * Runs until the ranks say that the run is over, or nothing is left to try.
 *
 * @returns The exit code of the run; 3 if it was lost too often.
 * @throws {@link ConfigError} if the launcher can't be found.
 */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const words = splitLauncher(options.launcher)
  const search = findExecutable(words[0] ?? '', {
    directory: process.cwd(),
    searchPath: process.env.PATH,
  })
  if (search.kind !== 'found') throw new ConfigError(`--launcher can't be started: ${search.message}`)
  const supervisor = new Supervisor(endingTogether(words), options)
  try {
    return await supervisor.run()
  } finally {
    supervisor.close()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const

class Supervisor {
  readonly #options: SuperviseOptions
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[]
  readonly #stop = new AbortController()
  readonly #lostHosts = new Set<string>()
  #words: readonly string[]
  #job: LaunchedJob | undefined
  #signals: NodeJS.Signals[] = []
  #directory: string | undefined

  constructor(words: readonly string[], options: SuperviseOptions) {
    this.#words = words
    this.#options = options
    this.#handlers = SIGNALS.map((signal) => [signal, () => this.#onSignal(signal)] as const)
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  async run(): Promise<number> {
    const { restarts } = this.#options
    for (let restart = 0; ; restart += 1) {
      const end = await this.#launch(restart > 0)
      const code = this.#exitCodeOf(end)
      if (code !== undefined) return code
      if (restart === 0 && !end.started) {
        this.#say(
          `The launcher ended (${end.launcher}) before a rank had started. See above what it says, and mend --launcher.`,
        )
        return EXIT_CODE.environment
      }
      const lost = whatWasLost(end)
      if (restart === restarts) {
        const again =
          restarts === 0 ? '' : ` It was started again ${restarts} ${restarts === 1 ? 'time' : 'times'}.`
        this.#say(`${lost}${again} Run the same line again to go on.`)
        return EXIT_CODE.environment
      }
      this.#leaveOut(end.lostHosts)
      const delayMs = this.#delayMs(restart)
      this.#say(`${lost} Starting again in ${(delayMs / 1000).toFixed(1)} s (${restart + 1} of ${restarts}).`)
      await pause(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return this.#exitCodeOfStop()
    }
  }

  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }

  async #launch(again: boolean): Promise<LaunchEnd> {
    const { rankWords, input, onLine } = this.#options
    const token = `mpibatch-${randomBytes(12).toString('hex')}`
    const watch = new RankWatch(token)
    const hosts = [...this.#lostHosts].join(',')
    const job = new LaunchedJob({
      words: [...this.#words, ...rankWords({ token, again })],
      environment: { ...process.env, ...(hosts === '' ? {} : { [LOST_HOSTS_VARIABLE]: hosts }) },
      input,
      token,
      onLine,
    })
    this.#job = job
    try {
      const end = await job.ended
      const { lostRank } = end
      if (lostRank === undefined || lostRank.rank !== undefined) return end
      const rank = watch.firstEnded
      return rank === undefined ? end : { ...end, lostRank: { ...lostRank, rank, host: hostname() } }
    } finally {
      this.#job = undefined
      watch.close()
    }
  }

  /** The exit code, if nothing is to be started again. */
  #exitCodeOf({ exitCode }: LaunchEnd): number | undefined {
    const isStopped = this.#stop.signal.aborted
    if (exitCode === undefined) return isStopped ? this.#exitCodeOfStop() : undefined
    // Launchers hand on only SIGUSR1, so that is what the ranks know of.
    return isStopped && exitCode === EXIT_CODE.terminated ? this.#exitCodeOfStop() : exitCode
  }

  #exitCodeOfStop(): number {
    return this.#signals[0] === 'SIGINT' ? EXIT_CODE.interrupted : EXIT_CODE.terminated
  }

  #onSignal(signal: NodeJS.Signals): void {
    this.#signals.push(signal)
    this.#stop.abort()
    const name = signal === 'SIGINT' ? 'Ctrl-C' : signal
    const job = this.#job
    if (job === undefined) return
    if (!job.started || this.#signals.length > 2) {
      this.#say(`${name}: ending all ranks.`)
      job.end()
      return
    }
    this.#say(`${name}: telling the ranks.`)
    job.signal('SIGUSR1')
  }

  #delayMs(restart: number): number {
    const delayMs = Math.min((this.#options.delayMs ?? DELAY_MS) * 2 ** restart, DELAY_MS_MAX)
    return delayMs * (0.75 + Math.random() / 2)
  }

  #leaveOut(hosts: readonly string[]): void {
    const fresh = hosts.filter((host) => !this.#lostHosts.has(host))
    if (fresh.length === 0) return
    for (const host of fresh) this.#lostHosts.add(host)
    const words = withoutHosts(this.#words, {
      hosts: fresh,
      groupSize: this.#options.groupSize,
      environment: process.env,
      readFile: readIfThere,
      writeFile: (text) => this.#writeFile(text),
    })
    if (words === undefined) {
      this.#say(
        `How to start without ${fresh.join(', ')} can't be told from --launcher, so it is started as it is; ` +
          `a launcher that is a script finds the names in ${LOST_HOSTS_VARIABLE}.`,
      )
      return
    }
    this.#words = words
    this.#say(`The next start leaves out ${fresh.join(', ')}.`)
  }

  #writeFile(text: string): string {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'mpibatch-hosts-'))
    const path = join(this.#directory, `hosts-${this.#lostHosts.size}`)
    writeFileSync(path, text)
    return path
  }

  #say(text: string): void {
    this.#options.onLine(`mpibatch: ${text}`)
  }
}

function whatWasLost({ lostHosts, lostRank, launcher }: LaunchEnd): string {
  if (lostHosts.length > 0) return `${lostHosts.join(', ')} ${lostHosts.length === 1 ? 'is' : 'are'} silent.`
  const what = lostRank === undefined ? 'A rank or a node was lost' : describeRankLoss(lostRank)
  return `${what} before the run was over (the launcher ended with ${launcher}).`
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
