import { supervisorLine } from './supervisor-line.ts'

/** Stands before the token, first of all words behind `mpibatch run`, in ranks that a supervisor has started. */
export const SUPERVISED_WORD = '--supervised'

/**
 * Takes the token of a supervisor off the words behind `mpibatch run`; it is no option for people.
 *
 * @returns The token, and the words that are left.
 */
export function takeSupervisorToken(argv: readonly string[]): {
  readonly token: string | undefined
  readonly words: readonly string[]
} {
  const [word, token, ...words] = argv
  if (word !== SUPERVISED_WORD || token === undefined) return { token: undefined, words: argv }
  return { token, words }
}

/** What a rank tells its supervisor, on standard error; nothing where there is none. */
export class SupervisorReport {
  readonly token: string | undefined
  /** Whether this rank speaks for all. */
  speaks = true
  #ended = false

  constructor(token: string | undefined) {
    this.token = token
  }

  /** This rank listens to signals from now on. */
  started(): void {
    if (this.token !== undefined && this.speaks) this.#write(supervisorLine(this.token, { kind: 'started' }))
  }

  /** The run is over, and not because a rank was lost. The first word stands. */
  ended(exitCode: number): void {
    if (this.token === undefined || !this.speaks || this.#ended) return
    this.#ended = true
    this.#write(supervisorLine(this.token, { kind: 'ended', exitCode }))
  }

  #write(line: string): void {
    process.stderr.write(`${line}\n`)
  }
}
