/** The last records of many tasks, by columns of numbers: an object for each takes several times the memory. */
import { type AttemptReason, roomFor } from '@mpibatch/batch-core'
import type { EndLine, StartLine } from './attempt-log.ts'

/** Tasks that there is room for at first. */
const COUNT_MIN = 1 << 10

/** The end of an attempt, as far as people ask for it. */
export type EndRecord = Omit<EndLine, 'kind' | 'task' | 'state' | 'worker'>

/** The start of an attempt, as far as people ask for it. */
export type StartRecord = Pick<StartLine, 'slot' | 'atMs'>

/** Numbers by task; NaN where there is none. */
class NumberColumn {
  #values = new Float64Array(COUNT_MIN).fill(Number.NaN)

  get(task: number): number {
    return this.#values[task] ?? Number.NaN
  }

  set(task: number, value: number): void {
    const { length } = this.#values
    if (task >= length) this.#values = roomFor(this.#values, task).fill(Number.NaN, length)
    this.#values[task] = value
  }
}

/** Texts by task, of which there are few different ones. */
class TextColumn {
  #numbers = new Uint32Array(COUNT_MIN)
  /** Texts by number, from 1. */
  readonly #texts: string[] = ['']
  readonly #numberOf = new Map<string, number>()

  get(task: number): string | undefined {
    const number = this.#numbers[task] ?? 0
    return number === 0 ? undefined : this.#texts[number]
  }

  set(task: number, text: string | undefined): void {
    this.#numbers = roomFor(this.#numbers, task)
    this.#numbers[task] = text === undefined ? 0 : this.#find(text)
  }

  #find(text: string): number {
    const known = this.#numberOf.get(text)
    if (known !== undefined) return known
    const number = this.#texts.push(text) - 1
    this.#numberOf.set(text, number)
    return number
  }
}

/** The last attempt of each task that has started, and in which part of the records that stands. */
export class StartColumns {
  readonly #slots = new NumberColumn()
  readonly #parts = new NumberColumn()
  readonly #atMs = new NumberColumn()

  /** Takes a record, unless what is known of the task is later. */
  add(task: number, part: number, { slot, atMs }: StartRecord): void {
    if (!isLater({ part, slot }, { part: this.#parts.get(task), slot: this.#slots.get(task) })) return
    this.#slots.set(task, slot)
    this.#parts.set(task, part)
    this.#atMs.set(task, atMs)
  }

  get(task: number): StartRecord | undefined {
    const slot = this.#slots.get(task)
    return Number.isNaN(slot) ? undefined : { slot, atMs: this.#atMs.get(task) }
  }
}

/** The same of the last attempt that has ended. */
export class EndColumns {
  readonly #slots = new NumberColumn()
  readonly #parts = new NumberColumn()
  readonly #attempts = new NumberColumn()
  readonly #atMs = new NumberColumn()
  readonly #startedAtMs = new NumberColumn()
  readonly #durationsMs = new NumberColumn()
  readonly #exitCodes = new NumberColumn()
  readonly #hosts = new TextColumn()
  readonly #reasons = new TextColumn()
  readonly #signals = new TextColumn()
  readonly #messages = new TextColumn()

  /** Takes a record, unless what is known of the task is later. */
  add(task: number, part: number, line: EndRecord): void {
    const { slot } = line
    if (!isLater({ part, slot }, { part: this.#parts.get(task), slot: this.#slots.get(task) })) return
    this.#slots.set(task, slot)
    this.#parts.set(task, part)
    this.#attempts.set(task, line.attempt)
    this.#atMs.set(task, line.atMs)
    this.#startedAtMs.set(task, line.startedAtMs)
    this.#durationsMs.set(task, line.durationMs)
    this.#exitCodes.set(task, line.exitCode ?? Number.NaN)
    this.#hosts.set(task, line.host)
    this.#reasons.set(task, line.reason)
    this.#signals.set(task, line.signal)
    this.#messages.set(task, line.message)
  }

  /** Forgets the record of a slot, if it is the one that counts. */
  drop(task: number, part: number, slot: number): void {
    if (this.#slots.get(task) !== slot || this.#parts.get(task) !== part) return
    this.#slots.set(task, Number.NaN)
    this.#parts.set(task, Number.NaN)
  }

  get(task: number): EndRecord | undefined {
    const slot = this.#slots.get(task)
    if (Number.isNaN(slot)) return undefined
    const exitCode = this.#exitCodes.get(task)
    const [signal, message] = [this.#signals.get(task), this.#messages.get(task)]
    return {
      slot,
      attempt: this.#attempts.get(task),
      atMs: this.#atMs.get(task),
      startedAtMs: this.#startedAtMs.get(task),
      durationMs: this.#durationsMs.get(task),
      host: this.#hosts.get(task) ?? '',
      // It has come from a line that was checked.
      reason: this.#reasons.get(task) as AttemptReason,
      ...(Number.isNaN(exitCode) ? {} : { exitCode }),
      ...(signal === undefined ? {} : { signal }),
      ...(message === undefined ? {} : { message }),
    }
  }
}

/** Where a record stands: later parts are later times, and within one slots count. */
interface Place {
  readonly part: number
  readonly slot: number
}

/** @param known - Of NaN, where nothing is known. */
function isLater({ part, slot }: Place, known: Place): boolean {
  return Number.isNaN(known.slot) || part > known.part || (part === known.part && slot >= known.slot)
}
