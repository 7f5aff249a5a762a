import {
  type Batch,
  type Communicator,
  createSoloCommunicator,
  groupLayout,
  openPlannedBatch,
  type StateStore,
  StopRequest,
} from '@mpibatch/batch-core'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { CommandGuard } from '../command/command-guard.ts'
import { LocalCommandRunner } from '../command/local-command-runner.ts'
import { openPortableStarter, openProcessStarter } from '../command/open-process-starter.ts'
import { commonEnvironment, withoutLauncherVariables } from '../command/task-environment.ts'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import { commandRanks, type GroupPeers } from './group-members.ts'
import { haltOnCounts } from './halt-watch.ts'
import { ownCommand } from './own-command.ts'
import { type PlannedCommands, planCommands, readCommandList } from './plan-commands.ts'
import { Printing } from './printing.ts'
import { runSlots } from './slot-run.ts'
import { LocalTaskEnds, type TaskEnds } from './task-ends.ts'

/** Runs a command per task, in the slots of this process. */
export async function runCommandTasks(context: RunContext): Promise<RunOutcome> {
  const { request, stop, progress } = context
  const { options, work } = request
  if (work === undefined || work.kind === 'script')
    throw new Error('A run of commands was asked for without a command')
  const { groupCount } = groupLayout({ size: options.jobs, groupSize: options.groupSize })
  const list = readCommandList(request)
  const plan = planCommands(request, { command: work, list })
  // Only now: reading a list from standard input holds up this thread, and Ctrl-C must end that at once.
  stop.listenToSignals()
  return await runCommandBatch(context, {
    plan,
    communicator: createSoloCommunicator(),
    // The batch itself has one rank, which serves all slots.
    batchGroupSize: 1,
    slots: Math.min(groupCount, list.atOnceMax ?? groupCount),
    firstSlot: 0,
    groupRanks: commandRanks(options),
    inherited: { ...process.env },
    onMessage: (text) => progress.message(text),
  })
}

/** A planned run of commands, and the part of it that this process has. */
export interface CommandBatch {
  readonly plan: PlannedCommands
  readonly communicator: Communicator
  /** Ranks of a worker group of the batch. */
  readonly batchGroupSize: number
  /** Number of slots of this process, and of the first of them, from 0, among those of all processes. */
  readonly slots: number
  readonly firstSlot: number
  /** The ranks, within their group, as which each slot runs its command. */
  readonly groupRanks: readonly number[]
  /** Makes what the members of a group tell each other by, where they run in processes of their own. */
  readonly peersOf?: ((group: Communicator) => GroupPeers) | undefined
  /** Carries word of tasks that have ended to the process that prints; left out where this one is alone. */
  readonly ends?: TaskEnds | undefined
  /** What commands inherit. */
  readonly inherited: Readonly<Record<string, string | undefined>>
  readonly onMessage: (text: string) => void
}

/** Runs this process' part of a run of commands to its end. Collective over the communicator. */
export async function runCommandBatch(
  { request, stop, progress, jobLog, timeLimitMs }: RunContext,
  own: CommandBatch,
): Promise<RunOutcome> {
  const { options } = request
  const { plan, communicator, slots, groupRanks, onMessage } = own
  const { root, tasks } = plan
  const provider = createFsStateProvider({
    root,
    durability: options.durability,
    acceptChanges: options.acceptChanges,
    crashLimit: options.crashLimit,
    liveness: options.liveness,
    command: ownCommand(process.argv.slice(2)),
  })
  let guard: CommandGuard | undefined
  const guarded = async (opening: Promise<StateStore>): Promise<StateStore> => {
    const store = await opening
    jobLog?.follow({ ticket: store.ticket, tasks })
    guard = new CommandGuard({ ticket: store.ticket, slots: slots * groupRanks.length })
    return store
  }
  const batch = await openPlannedBatch({
    ...options,
    groupSize: own.batchGroupSize,
    tasks,
    timeLimitMs,
    communicator,
    provider: {
      ...provider,
      open: (...given) => guarded(provider.open(...given)),
      join: (...given) => guarded(provider.join(...given)),
    },
    stop: new StopRequest({ signal: stop.drain }),
    onFault: onMessage,
  })
  progress.start(() => batch.counts())
  // What ranks elsewhere have done is seen a moment later than it happens.
  const watch =
    communicator.size > 1 ? haltOnCounts(options.halt, { counts: () => batch.counts(), stop }) : undefined
  const { print } = options
  let printing: Printing | undefined
  let failure: unknown
  try {
    const ends = own.ends ?? new LocalTaskEnds()
    printing = print && (await Printing.start(print, { batch, tasks, options, progress, ends }))
    await runSlots({
      batch,
      runner: new LocalCommandRunner({
        lease: batch.lease,
        guard,
        open: options.spawning === 'portable' ? openPortableStarter : openProcessStarter,
      }),
      slots,
      firstSlot: own.firstSlot,
      groupSize: options.groupSize,
      groupRanks,
      peers: own.peersOf?.(batch.group),
      render: (task, place) => plan.renderCommand(task.index, { ...place, attempt: task.attempt }),
      inTaskDirectory: options.inTaskDirectory,
      environment: commonEnvironment(withoutLauncherVariables(own.inherited), {
        root,
        instance: batch.instance,
        groupSize: options.groupSize,
        extra: options.environment,
      }),
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      logs: printing?.logs ?? options.logs,
      onEnd: (taskIndex, end) => printing?.ended(taskIndex, end),
      halt: options.halt,
      stop,
      onMessage,
    })
    await printing?.hearAll()
  } catch (error) {
    failure = error
  }
  await printing?.close()
  watch?.stop()
  progress.stop()
  guard?.close()
  const counts = await closeAfter(failure, batch)
  return { root: options.root, counts }
}

/** Closes what is open; an error from before stands before one of closing. */
async function closeAfter(failure: unknown, batch: Batch): Promise<RunOutcome['counts']> {
  if (failure === undefined) return await batch.close()
  // The other members of a group would wait for this one, and never come to the closing.
  if (batch.group.size === 1) await batch.close().catch(() => undefined)
  throw failure
}
