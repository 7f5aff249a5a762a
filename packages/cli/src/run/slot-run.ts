/**
 * Runs a command per task in N slots of this process. Each slot claims a task, runs its command, and writes down how
 * that ended, mostly while its next command starts, until nothing is left or the run is stopped.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { type Batch, FencedError, ForeignWriterError, type Task } from '@mpibatch/batch-core'
import { endProcessesWith } from '@mpibatch/fs-state'
import type { CommandResult, CommandRunner } from '../command/command-runner.ts'
import { failureMessage } from '../command/failure-message.ts'
import { discardLogs, type LogPaths, type LogPolicy, logPaths } from '../command/log-policy.ts'
import { taskVariables } from '../command/task-environment.ts'
import type { HaltPolicy } from '../input/halt.ts'
import { type GroupPeers, type MemberEnd, runMembers } from './group-members.ts'
import { applyHalt } from './halt-watch.ts'
import { optimizeRarely } from './optimize-rarely.ts'
import type { PrintedEnd } from './output-order.ts'
import type { StopControl } from './stop-control.ts'

/** Time within which one TERM reaches all processes of a job, milliseconds. */
const TERM_SPREAD_MS = 200

/** What {@link runSlots} needs. */
export interface SlotRunOptions {
  readonly batch: Batch
  readonly runner: CommandRunner
  /** Number of slots. */
  readonly slots: number
  /** Number of the first of them among those of all processes, from 0. @defaultValue 0 */
  readonly firstSlot?: number
  /** Ranks of a worker group. */
  readonly groupSize: number
  /** The ranks, within their group, as which each slot runs its command; none: the slot only takes part. */
  readonly groupRanks: readonly number[]
  /** The other members of the group, where they run in other processes and each runs its command. */
  readonly peers?: GroupPeers | undefined
  /** The command of a task, as words. */
  readonly render: (
    task: Task,
    place: { readonly slot: number; readonly directory: string },
  ) => readonly string[]
  readonly inTaskDirectory: boolean
  /** What the environments of all commands have in common; one object for all, so that it is looked through once. */
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number | undefined
  /** How often a failed task is run again. */
  readonly retries: number
  readonly logs: LogPolicy
  /** Hears of each task that has ended, DONE or FAILED; on one member of its group. @defaultValue nobody */
  readonly onEnd?: ((taskIndex: number, end: PrintedEnd) => void) | undefined
  readonly halt: HaltPolicy | undefined
  readonly stop: StopControl
  /** Hears what a person should know. */
  readonly onMessage: (text: string) => void
}

/**
 * Runs all slots to their end.
 *
 * @throws The first error of the store; the other slots finish what they run before it is thrown.
 */
export async function runSlots(options: SlotRunOptions): Promise<void> {
  optimizeRarely()
  const unwatch = followLease(options)
  const slots = Array.from({ length: options.slots }, (_, index) =>
    runSlot(options, (options.firstSlot ?? 0) + index + 1),
  )
  const ends = await Promise.allSettled(slots)
  unwatch()
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  const { batch } = options
  // What was lost with the lease is of no matter where nothing was left to do.
  if (batch.counts().DONE < batch.taskCount) batch.lease.check()
}

/**
 * Holds the commands while the lease is in doubt, since another instance may soon start the same ones; ends them when
 * it is lost, for then it may have done so. @returns Ends that.
 */
function followLease({ batch, runner, stop }: SlotRunOptions): () => void {
  return batch.lease.onChange((state) => {
    if (state === 'suspect') runner.hold()
    else if (state === 'valid') runner.goOn()
    else stop.requestKill('error')
  })
}

async function runSlot(options: SlotRunOptions, slot: number): Promise<void> {
  const { batch, stop } = options
  /** Of the task before. */
  let ending: Promise<void> = Promise.resolve()
  try {
    for (let task = await batch.nextTask(); task !== undefined; task = await batch.nextTask()) {
      const end = await runTask(options, task, slot)
      await ending
      const isAlone = !mayOverlap(options, end)
      ending = isAlone ? endTask(options, task, end) : endLater(options, task, end)
      // The store has failed; what the slots start now could not be recorded either.
      ending.catch(() => stop.requestDrain('error'))
      if (isAlone) await ending
    }
  } catch (error) {
    stop.requestDrain('error')
    throw error
  } finally {
    await ending
  }
}

/** How a slot's commands ended a task. */
interface SlotEnd extends MemberEnd {
  /** The slot's number from 0. */
  readonly worker: number
}

/** Runs the commands of this process' members; there may be none. */
async function runTask(options: SlotRunOptions, task: Task, slot: number): Promise<SlotEnd | undefined> {
  const { stop, groupRanks, peers } = options
  if (groupRanks.length === 0) return undefined
  const end = await runMembers({
    groupRanks,
    run: (groupRank, signal) => runCommand(options, task, { slot, groupRank, signal }),
    interrupt: stop.interrupt,
    peers,
  })
  return { ...end, worker: slot - 1 }
}

/**
 * Whether the slot's next task may start before the end of this one is written down. Members of a group take each step
 * together, and after a failure, or where ends decide whether anything else starts, nothing starts before them.
 */
function mayOverlap({ groupSize, halt }: SlotRunOptions, end: MemberEnd | undefined): boolean {
  return groupSize === 1 && halt === undefined && end?.result.reason === 'done'
}

/** Ends a task one turn later: in this one, the slot claims its next task and has it started. */
async function endLater(...given: Parameters<typeof endTask>): Promise<void> {
  await nextTurn()
  await endTask(...given)
}

async function endTask(options: SlotRunOptions, task: Task, end: SlotEnd | undefined): Promise<void> {
  const { batch, stop, groupRanks } = options
  if (end === undefined) {
    await report(() => task.done(), options)
  } else {
    await endEscaped(options, task, end.result)
    const isRecorded = await record(options, task, end)
    const { reason } = end.result
    if (options.logs === 'failed' && reason === 'done') {
      for (const groupRank of groupRanks) discardLogs(pathsOf(options, task, groupRank))
    }
    if (isRecorded && reason !== 'interrupted' && batch.group.rank === 0) {
      options.onEnd?.(task.index, reason === 'done' ? 'DONE' : 'FAILED')
    }
  }
  if (options.halt !== undefined) applyHalt(options.halt, batch.counts(), stop)
}

/** One member's place in a task. */
interface MemberPlace {
  readonly slot: number
  readonly groupRank: number
  /** Ends the command with TERM. */
  readonly signal: AbortSignal
}

async function runCommand(options: SlotRunOptions, task: Task, place: MemberPlace): Promise<CommandResult> {
  const { stop } = options
  const { slot, groupRank, signal } = place
  const directory = requireDirectory(task.directory)
  const ended = await options.runner.run({
    argv: options.render(task, { slot, directory }),
    directory: options.inTaskDirectory ? directory : process.cwd(),
    environment: options.environment,
    variables: taskVariables({
      name: task.name,
      index: task.index,
      directory,
      attempt: task.attempt,
      claim: task.claim,
      group: slot - 1,
      groupRank,
    }),
    ...pathsOf(options, task, groupRank),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    onStart: (started) => task.recordProcess(started),
    signal,
    killSignal: stop.kill,
  })
  return (await wasEndedWithUs(ended, stop)) ? { ...ended, reason: 'interrupted' } : ended
}

/** The directory of a task: commands have one, as their batches have a root. */
export function requireDirectory(directory: string | undefined): string {
  if (directory === undefined) throw new Error('A run of commands needs a task root')
  return directory
}

function pathsOf({ logs }: SlotRunOptions, task: Task, groupRank: number): LogPaths {
  return logPaths(logs, requireDirectory(task.directory), groupRank)
}

/**
 * Tells whether a command was ended by a TERM that was meant for this run: schedulers send it to every process of a job
 * at once. The command has not failed then.
 */
async function wasEndedWithUs({ reason, signal }: CommandResult, stop: StopControl): Promise<boolean> {
  if (reason !== 'signal' || signal !== 'SIGTERM') return false
  if (stop.cause === undefined) await pause(TERM_SPREAD_MS)
  return stop.cause === 'SIGTERM'
}

/**
 * Ends what a command that did not end by itself, or is to run again, has left outside its process group: it would be
 * a second copy beside the next attempt.
 */
async function endEscaped(
  { batch, retries, onMessage }: SlotRunOptions,
  task: Task,
  result: CommandResult,
): Promise<void> {
  const stopped = result.reason === 'timeout' || result.reason === 'interrupted'
  // A look at all processes takes milliseconds, so it is spared where nothing of the task will run again.
  if (!stopped && (result.reason === 'done' || retries === 0)) return
  const left = await endProcessesWith({
    MPIBATCH_INSTANCE: batch.instance,
    MPIBATCH_TASK: task.name,
    MPIBATCH_CLAIM: String(task.claim),
  })
  for (const { pid, reason } of left) {
    onMessage(`Process ${pid}, which task ${task.name} has started, could not be ended (${reason}).`)
  }
}

async function record(
  options: SlotRunOptions,
  task: Task,
  { result, groupRank, worker }: SlotEnd,
): Promise<boolean> {
  const { startedAtMs, durationMs, reason, exitCode, signal } = result
  const facts = {
    startedAtMs,
    durationMs,
    reason,
    worker,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
  }
  return await report(() => {
    if (reason === 'done') return task.done(facts)
    if (reason === 'interrupted') return task.release(facts)
    const text = failureMessage(result, pathsOf(options, task, groupRank).stderrPath)
    const message = groupRank === 0 ? text : `member ${groupRank} of the group: ${text}`
    return task.fail(undefined, { ...facts, message })
  }, options)
}

/** Ends a task. That another instance has taken it over ends nothing but this attempt. @returns Whether the end counts. */
async function report(end: () => Promise<void>, { onMessage }: SlotRunOptions): Promise<boolean> {
  try {
    await end()
    return true
  } catch (error) {
    if (!(error instanceof FencedError || error instanceof ForeignWriterError)) throw error
    onMessage(error.message)
    return false
  }
}
