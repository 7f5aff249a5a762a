import type { AttemptRow, InstanceReport } from '@mpibatch/fs-state'
import { outcomeText } from '../output/task-line.ts'
import { AttemptColumns } from './attempt-columns.ts'
import { type Failure, FailureGroups } from './failure-groups.ts'
import type { Ending, EndingKind } from './report-data.ts'
import { WorkerTable } from './worker-table.ts'

/** Attempts that are named in a list. */
export const NAMED_MAX = 20
/** Endings that are told apart: their numbers are single bytes. */
const ENDINGS_MAX = 240

/** An attempt of a list, before it is known where its worker and its logs are. */
export interface ListedAttempt {
  readonly row: AttemptRow
  readonly ending: Ending
  readonly startMs: number
  readonly durationMs: number
  readonly workerIndex: number
}

/** Everything that a report says of attempts, gathered in one pass: memory grows by numbers only. */
export class AttemptSurvey {
  readonly columns: AttemptColumns = new AttemptColumns()
  readonly workers: WorkerTable = new WorkerTable()
  readonly failures: FailureGroups = new FailureGroups()
  readonly endings: Ending[] = []
  readonly counts: Record<EndingKind, number> = {
    ...{ done: 0, failed: 0, retried: 0, returned: 0, discarded: 0, lost: 0, running: 0 },
  }
  readonly slowest: ListedAttempt[] = []
  readonly losses: ListedAttempt[] = []
  readonly timeouts: { count: number; shortestMs: number } = { count: 0, shortestMs: Infinity }
  killedCount = 0
  wastedMs = 0
  readonly #endingOf = new Map<string, number>()
  readonly #instances: ReadonlyMap<string, InstanceReport>
  readonly #taskIndexOf: (name: string) => number
  readonly #valuesOf: (name: string) => Failure['values']
  readonly #nowMs: number
  readonly #unfinished: AttemptRow[] = []

  constructor(options: {
    readonly instances: readonly InstanceReport[]
    readonly taskIndexOf: (name: string) => number
    readonly valuesOf: (name: string) => Failure['values']
    readonly nowMs: number
  }) {
    this.#instances = new Map(options.instances.map((one) => [one.instance, one]))
    this.#taskIndexOf = options.taskIndexOf
    this.#valuesOf = options.valuesOf
    this.#nowMs = options.nowMs
  }

  /** Takes an attempt. */
  add(row: AttemptRow): void {
    if (row.outcome === 'unfinished') this.#unfinished.push(row)
    else if (row.reason === 'crashed')
      // A verdict over a task whose owners died, not something that ran.
      this.failures.addAttempt({ ...this.#nameOf(row), reason: 'crashed', message: row.message ?? 'crashed' })
    else this.#addEnded(row)
  }

  /** Must be called once, when all have been taken: what has no end is put in where there was room. */
  finish(): void {
    this.#unfinished.sort((one, other) => (one.startedAtMs ?? 0) - (other.startedAtMs ?? 0))
    const lastSigns = new Map<string, number | undefined>()
    for (const row of this.#unfinished) {
      const { instance, startedAtMs = 0 } = row
      if (!lastSigns.has(instance)) lastSigns.set(instance, this.workers.lastSignMs(instance))
      const isRunning = this.#instances.get(instance)?.alive === true
      const toMs = isRunning ? this.#nowMs : (lastSigns.get(instance) ?? startedAtMs)
      const durationMs = Math.max(0, toMs - startedAtMs)
      const ending: Ending = isRunning
        ? { kind: 'running', text: 'running' }
        : { kind: 'lost', text: 'no end on record' }
      const host = this.#instances.get(instance)?.host ?? ''
      const span = { fromMs: startedAtMs, toMs: startedAtMs + durationMs }
      const workerIndex = this.workers.noteUnfinished({ instance, host }, span)
      this.#place(row, { ending, workerIndex, startMs: startedAtMs, durationMs })
    }
    this.#markRetried()
  }

  /** What failed, and was not the last attempt of its task, was retried: its own record can't know. */
  #markRetried(): void {
    const { taskIndexes, startsMs, endingIndexes } = this.columns
    /** Position of each task's last attempt, from 1. */
    const last = new Uint32Array(1 + taskIndexes.reduce((most, task) => Math.max(most, task), 0))
    for (const [position, task] of taskIndexes.entries()) {
      const known = last[task] ?? 0
      if (known === 0 || (startsMs[known - 1] ?? 0) <= (startsMs[position] ?? 0)) last[task] = position + 1
    }
    for (const [position, endingIndex] of endingIndexes.entries()) {
      const ending = this.endings[endingIndex]
      if (ending?.kind !== 'failed' || last[taskIndexes[position] ?? 0] === position + 1) continue
      endingIndexes[position] = this.#endingIndex({ kind: 'retried', text: ending.text })
      this.counts.failed -= 1
      this.counts.retried += 1
    }
  }

  #addEnded(row: AttemptRow): void {
    const { reason, startedAtMs = 0, worker = 0, instance, host = '' } = row
    const durationMs = Math.max(0, row.durationMs ?? 0)
    const ending = endingOf(row)
    const span = { fromMs: startedAtMs, toMs: startedAtMs + durationMs }
    const workerIndex = this.workers.note({ instance, worker, host }, span)
    this.#place(row, { ending, workerIndex, startMs: startedAtMs, durationMs })
    if (ending.kind === 'failed' || ending.kind === 'retried') {
      this.failures.addAttempt({
        ...this.#nameOf(row),
        reason: ending.text,
        message: row.message ?? ending.text,
      })
    }
    if (reason === 'timeout') {
      this.timeouts.count += 1
      this.timeouts.shortestMs = Math.min(this.timeouts.shortestMs, durationMs)
    }
    if (row.signal === 'SIGKILL' && reason === 'signal') this.killedCount += 1
  }

  #nameOf({ task }: AttemptRow): Pick<Failure, 'task' | 'values'> {
    return { task, values: this.#valuesOf(task) }
  }

  #place(
    row: AttemptRow,
    facts: { ending: Ending; workerIndex: number; startMs: number; durationMs: number },
  ): void {
    const { ending, workerIndex, startMs, durationMs } = facts
    this.columns.push({
      ...{ startMs, durationMs, workerIndex },
      taskIndex: this.#taskIndexOf(row.task),
      endingIndex: this.#endingIndex(ending),
    })
    this.counts[ending.kind] += 1
    if (ending.kind !== 'done' && ending.kind !== 'running') this.wastedMs += durationMs
    if (ending.kind === 'lost' || ending.kind === 'discarded') {
      if (this.losses.length < NAMED_MAX) this.losses.push({ row, ending, startMs, durationMs, workerIndex })
    } else if (ending.kind !== 'returned' && ending.kind !== 'running') {
      const last = this.slowest[NAMED_MAX - 1]
      if (last === undefined || last.durationMs < durationMs)
        this.#noteSlow({ row, ending, startMs, durationMs, workerIndex })
    }
  }

  #noteSlow(listed: ListedAttempt): void {
    const place = this.slowest.findIndex(({ durationMs }) => durationMs < listed.durationMs)
    this.slowest.splice(place === -1 ? this.slowest.length : place, 0, listed)
    this.slowest.length = Math.min(this.slowest.length, NAMED_MAX)
  }

  #endingIndex(ending: Ending): number {
    const known = this.#endingOf.get(`${ending.kind} ${ending.text}`)
    if (known !== undefined) return known
    if (this.endings.length >= ENDINGS_MAX && ending.text !== ending.kind)
      return this.#endingIndex({ kind: ending.kind, text: ending.kind })
    const index = this.endings.push(ending) - 1
    this.#endingOf.set(`${ending.kind} ${ending.text}`, index)
    return index
  }
}

/** How an attempt that has an end ended. */
function endingOf(row: AttemptRow): Ending {
  const text = row.reason === 'done' ? 'done' : outcomeText(row)
  if (row.outcome === 'discarded') return { kind: 'discarded', text: `discarded: ${text}` }
  if (row.state === 'DONE') return { kind: 'done', text }
  if (row.state === 'FAILED') return { kind: 'failed', text }
  return { kind: row.reason === 'interrupted' ? 'returned' : 'retried', text }
}
