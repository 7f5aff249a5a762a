/**
 * Runs a function over all tasks of a batch and gives every rank the values of all of them.
 *
 * With a store, a value is kept with its task before the task is DONE, as JSON, so that a later run has the values of
 * tasks that are not run again. Without one, values live in the memory of the group leaders as long as the batch.
 */
import { serialize } from 'node:v8'
import type { BatchEventHub } from './batch-events.ts'
import type { BatchParts } from './batch-parts.ts'
import { decodeError, type EncodedError, encodeError, StateCorruptError, UsageError } from './errors.ts'
import type { GroupTasks } from './group-tasks.ts'
import { invariant } from './invariant.ts'
import { copyMessage } from './message-copy.ts'
import { runTasks, type TaskBody } from './run-tasks.ts'
import type { Task } from './task.ts'
import type { TableState } from './task-state.ts'

/** Largest value of a task that is kept with it, bytes of JSON. Larger ones belong into files of the task. */
export const VALUE_SIZE_MAX: number = 1 << 20

/** What {@link Batch.map} has for one task. */
export type MapResult<T> =
  /** The task is DONE, and this is its value. */
  | { readonly ok: true; readonly index: number; readonly name: string; readonly value: T }
  /** There is no value. */
  | {
      readonly ok: false
      readonly index: number
      readonly name: string
      /** State of the task; DONE if it has ended well without leaving a value. */
      readonly state: TableState
      /** Why there is none, as a sentence. */
      readonly message: string
    }

/** A value with the claim that made it. */
interface HeldValue {
  readonly slot: number
  readonly value: unknown
}

/** Values that the leader of a group holds in memory, by task. */
export type HeldValues = Map<number, HeldValue>

/** What {@link mapTasks} works with. */
export interface MapTasksOptions<T> {
  readonly parts: BatchParts
  readonly work: GroupTasks
  readonly events: BatchEventHub
  readonly body: TaskBody<T>
  /** Values of earlier calls, in a batch without a store; those of this call are added. */
  readonly held: HeldValues
  /** States of all tasks. Not collective. */
  readonly states: () => Promise<readonly TableState[]>
}

/** What one rank has to tell the others. */
interface RankReport {
  readonly error?: EncodedError
  readonly values: readonly { readonly index: number; readonly value: unknown }[]
  readonly failures: readonly { readonly index: number; readonly message: string }[]
}

/** See the top of this file. Collective over all ranks. */
export async function mapTasks<T>(options: MapTasksOptions<T>): Promise<readonly MapResult<T>[]> {
  const { parts, held } = options
  const { world, rootRank, memory, store } = parts
  const failures = new Map<number, string>()
  let own: { readonly error: unknown } | undefined
  try {
    await runAndHold(options, failures)
    await memory.flush()
  } catch (error) {
    own = { error }
  }
  const report: RankReport = {
    ...(own === undefined ? {} : { error: encodeError(own.error) }),
    values: valuesThatCount(options),
    failures: Array.from(failures, ([index, message]) => ({ index, message })),
  }
  if (store.keepsStates) held.clear()
  const reports = await world.gather(report, { root: rootRank })
  const outcome = reports === undefined ? undefined : await combine(options, reports)
  const shared = await world.broadcast(outcome, { root: rootRank })
  if (own !== undefined) throw own.error
  invariant(shared !== undefined, 'The root rank of a map told nobody its results')
  if ('error' in shared) throw decodeError(shared.error)
  return shared.results as readonly MapResult<T>[]
}

/** Runs this group's tasks; the leader holds what they gave, and why they failed. */
async function runAndHold<T>(
  { parts, work, events, body, held }: MapTasksOptions<T>,
  failures: Map<number, string>,
): Promise<void> {
  const isKept = parts.store.keepsStates
  let taken: { readonly index: number; readonly value: unknown } | undefined
  const take = (task: Task, value: T): void => {
    if (!work.isLeader) return
    if (isKept) {
      const text = printValue(task, value)
      task.value = text
      // As it will be read again, so that this run and the next give the same.
      taken = { index: task.index, value: parseValue(text) }
    } else taken = { index: task.index, value: copyForRanks(value, parts.world.sharesProcess) }
  }
  const ignoreDone = events.on('done', ({ task }) => {
    if (taken?.index === task.index) held.set(task.index, { slot: task.claim, value: taken.value })
    failures.delete(task.index)
  })
  const ignoreFailed = events.on('failed', ({ task, message }) => {
    if (work.isLeader) failures.set(task.index, message)
  })
  try {
    await runTasks({ work, group: parts.workers.group, body, take })
  } finally {
    ignoreDone()
    ignoreFailed()
  }
}

/** The values whose tasks nobody has run again since. */
function valuesThatCount<T>({ parts, held }: MapTasksOptions<T>): RankReport['values'] {
  const { table } = parts.memory
  return [...held]
    .filter(([index, { slot }]) => table.stateOf(index) === 'DONE' && table.slotOf(index) === slot + 1)
    .map(([index, { value }]) => ({ index, value }))
}

type MapOutcome = { readonly results: readonly MapResult<unknown>[] } | { readonly error: EncodedError }

/** On the root rank: puts together what all ranks have, and reads what earlier runs have kept. */
async function combine<T>(options: MapTasksOptions<T>, reports: readonly RankReport[]): Promise<MapOutcome> {
  const failed = reports.findIndex(({ error }) => error !== undefined)
  const error = reports[failed]?.error
  if (error !== undefined) {
    return { error: { ...error, message: `Rank ${failed} could not go on with the map: ${error.message}` } }
  }
  try {
    const values = new Map(reports.flatMap((report) => report.values.map((entry) => [entry.index, entry])))
    const failures = new Map(
      reports.flatMap((report) => report.failures.map((entry) => [entry.index, entry.message])),
    )
    const states = await options.states()
    const results: MapResult<unknown>[] = []
    let index = 0
    for (const { name } of options.parts.tasks) {
      const entry = values.get(index)
      const state = states[index] ?? 'INVALID'
      if (entry !== undefined) results.push({ ok: true, index, name, value: entry.value })
      else if (state === 'DONE') results.push(await keptResult(options.parts, index, name))
      else results.push({ ok: false, index, name, state, message: failures.get(index) || MISSING[state] })
      index += 1
    }
    return { results }
  } catch (error) {
    return { error: encodeError(error) }
  }
}

/** What is said of a task without value where nothing more is known. */
const MISSING: Readonly<Record<TableState, string>> = {
  OPEN: 'It was not run to its end.',
  RUNNING: 'Another instance runs it.',
  ELSEWHERE: 'Another instance runs it.',
  DONE: 'It is DONE, but no value was kept with it: something else than map has ended it.',
  FAILED: 'It has failed.',
  INVALID: "Its state can't be understood.",
}

async function keptResult({ store }: BatchParts, index: number, name: string): Promise<MapResult<unknown>> {
  try {
    const text = await store.readValue(index)
    if (text !== undefined) return { ok: true, index, name, value: parseValue(text) }
    return { ok: false, index, name, state: 'DONE', message: MISSING.DONE }
  } catch (error) {
    if (!(error instanceof StateCorruptError || error instanceof SyntaxError)) throw error
    const message = `The value that was kept with it can't be read: ${error.message}`
    return { ok: false, index, name, state: 'DONE', message }
  }
}

/** The text of a value; empty for `undefined`, which JSON has no word for. */
function printValue(task: Task, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new UsageError(
      `What task ${JSON.stringify(task.name)} returned can't be kept as JSON. Return plain data, and write the rest to files in task.directory. ${error instanceof Error ? error.message.split('\n', 1)[0] : ''}`,
      { cause: error },
    )
  }
  const size = Buffer.byteLength(text ?? '')
  if (size > VALUE_SIZE_MAX) {
    throw new UsageError(
      `What task ${JSON.stringify(task.name)} returned takes ${size} bytes as JSON, and at most ${VALUE_SIZE_MAX} are kept. Write it to a file in task.directory, and return its name.`,
      { details: { index: task.index, size } },
    )
  }
  return text ?? ''
}

/** One that can't be sent is found here, where the task fails: later the other ranks would wait for it. */
function copyForRanks<T>(value: T, isSameProcess: boolean): T {
  const copy = copyMessage(value)
  // Memory that threads share does not go to another process.
  if (!isSameProcess) serialize(copy)
  return copy
}

function parseValue(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
