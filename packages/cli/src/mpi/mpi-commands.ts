import { ConfigError, groupLayout } from '@mpibatch/batch-core'
import { type MpiJob, withoutLibrarySettings } from '@mpibatch/native-mpi'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import type { RunOptions } from '../input/options.ts'
import { runCommandBatch } from '../run/command-run.ts'
import { planCommands, readCommandList } from '../run/plan-commands.ts'
import { messagesBetween } from './group-messages.ts'
import { MpiTaskEnds } from './mpi-task-ends.ts'
import { shareList } from './share-list.ts'
import { shareSlots } from './share-slots.ts'

/**
 * Runs a command per task in the slots of all ranks. Collective over the job.
 *
 * @param options.onMessage - Hears what a person should know; each rank for itself.
 */
export async function runMpiCommands(
  context: RunContext,
  { job, onMessage }: { readonly job: MpiJob; readonly onMessage: (text: string) => void },
): Promise<RunOutcome> {
  const { request } = context
  const { options, work } = request
  if (work === undefined || work.kind === 'script')
    throw new Error('A run of commands was asked for without a command')
  const { communicator } = job
  const { rank, size } = communicator
  const { groupSize } = options
  const slotsPerGroup = slotsOf(options)
  const { groupCount } = groupLayout({ size, groupSize })
  const list = await shareList(communicator, () => readCommandList(request))
  const share = shareSlots({
    groupIndex: Math.floor(rank / groupSize),
    groupCount,
    slotsPerGroup,
    atOnceMax: list.atOnceMax,
  })
  const groupRank = rank % groupSize
  const all = options.groupExec === 'all'
  return await runCommandBatch(context, {
    plan: planCommands(request, { command: work, list }),
    communicator,
    batchGroupSize: groupSize,
    slots: share.count,
    firstSlot: share.first,
    groupRanks: all || groupRank === 0 ? [groupRank] : [],
    ends: options.print === undefined ? undefined : new MpiTaskEnds(await communicator.duplicate()),
    peersOf: all && groupSize > 1 ? messagesBetween : undefined,
    inherited: withoutLibrarySettings(process.env),
    onMessage,
  })
}

/** Under MPI the launcher says how many ranks there are; each runs one command at once unless it is told otherwise. */
function slotsOf({ given, jobs, groupSize }: RunOptions): number {
  if (!given.has('jobs')) return 1
  if (groupSize > 1 && jobs > 1) {
    throw new ConfigError(
      `Under MPI, a rank of a group of ${groupSize} runs one command at once. Leave --jobs out, and let the launcher start more ranks.`,
    )
  }
  return jobs
}
