import { hostname } from 'node:os'
import type { AttemptProcess, AttemptRecord, StoreClaim, TerminalState } from '@mpibatch/batch-core'
import { AppendLog } from './append-log.ts'
import { type AttemptLine, printAttemptLine } from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { toStateIoError } from './io-error.ts'
import { JournalLog } from './journal-log.ts'
import { readProcessStat } from './process-identity.ts'
import { attemptsPath, journalPath } from './store-paths.ts'
import type { CrashedTask } from './task-claim.ts'

/** A claim with the name of its task. */
export interface NamedClaim extends Pick<StoreClaim, 'slot' | 'attempt'> {
  readonly task: string
}

/** What one rank of an instance puts on record about its tasks: the log of attempts, and the journal. */
export class InstanceRecords {
  readonly #attempts: AppendLog
  readonly #journal: JournalLog
  readonly #attemptsPath: string
  readonly #journalPath: string
  readonly #host = hostname()

  constructor(files: FileLayer, options: { readonly directory: string; readonly proc: number }) {
    this.#attemptsPath = attemptsPath(options.directory, options.proc)
    this.#journalPath = journalPath(options.directory, options.proc)
    this.#attempts = new AppendLog(files, this.#attemptsPath)
    this.#journal = new JournalLog(files, this.#journalPath)
  }

  /** A command has started. Never fails: it can still be found by its environment, and a full disk shows at its end. */
  started(claim: NamedClaim, { processGroup, startTime: given }: AttemptProcess): void {
    const { task, slot } = claim
    const startTime = given ?? readProcessStat(processGroup)?.startTime ?? ''
    this.#tryAttempt({ kind: 'start', task, slot, processGroup, startTime, atMs: Date.now() })
  }

  /** An attempt is about to end its task. @throws {@link StateIoError} */
  ending(claim: NamedClaim, state: TerminalState | 'OPEN', record: AttemptRecord): void {
    const { task, slot, attempt } = claim
    this.#attempt({ kind: 'end', task, slot, attempt, state, host: this.#host, atMs: Date.now(), ...record })
  }

  /** A task is about to be FAILED because its owners kept dying. @throws {@link StateIoError} */
  crashing(task: string, { slot, attempt, deaths }: CrashedTask): void {
    const message =
      deaths === 1 ? 'its owner died while it ran' : `${deaths} owners in a row died while it ran`
    const record = { reason: 'crashed', startedAtMs: Date.now(), durationMs: 0, worker: 0, message } as const
    this.ending({ task, slot, attempt }, 'FAILED', record)
  }

  /** The end of an attempt was not accepted. Never fails: only a list of attempts shows a result too many. */
  discarded({ task, slot }: NamedClaim): void {
    this.#tryAttempt({ kind: 'discarded', task, slot })
  }

  /** An ended task is about to be opened again, by the event in this slot. @throws {@link StateIoError} */
  async reopening(task: string, slot: number, options: { readonly sync: boolean }): Promise<void> {
    await this.forgetting([{ task, slot }], options)
  }

  /** What the index says of these tasks, up to these slots, must not count any more. @throws {@link StateIoError} */
  async forgetting(
    tasks: Iterable<{ readonly task: string; readonly slot: number }>,
    options: { readonly sync: boolean },
  ): Promise<void> {
    try {
      await this.#journal.addReopened(tasks, options)
    } catch (error) {
      throw toStateIoError(error, { path: this.#journalPath, action: 'add to' })
    }
  }

  /** A task is DONE, by the event in this slot, and that is on the disk. Never fails: the index is only a hint. */
  done(task: string, slot: number): void {
    this.#journal.addDone(task, slot)
  }

  /** Ends the use of the files. */
  close(): void {
    this.#attempts.close()
    this.#journal.close()
  }

  #attempt(line: AttemptLine): void {
    try {
      this.#attempts.add(printAttemptLine(line))
    } catch (error) {
      throw toStateIoError(error, { path: this.#attemptsPath, action: 'add to' })
    }
  }

  #tryAttempt(line: AttemptLine): void {
    try {
      this.#attempts.add(printAttemptLine(line))
    } catch {
      // See the callers: the line is worth less than what it tells about.
    }
  }
}
