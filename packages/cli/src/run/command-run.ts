import { createSoloCommunicator, openPlannedBatch, StopRequest } from '@mpibatch/batch-core'
import { createFsStateProvider } from '@mpibatch/fs-state'
import { CommandGuard } from '../command/command-guard.ts'
import { NodeCommandRunner } from '../command/node-command-runner.ts'
import type { RunContext, RunOutcome } from '../commands/run.ts'
import { planCommands } from './plan-commands.ts'
import { runSlots } from './slot-run.ts'

/** Runs a command per task, in the slots of this process. */
export async function runCommandTasks({ request, stop, progress }: RunContext): Promise<RunOutcome> {
  const { options, work } = request
  if (work === undefined || work.kind === 'script')
    throw new Error('A run of commands was asked for without a command')
  const plan = planCommands(request, work)
  const { root, tasks } = plan
  // Only now: reading a list from standard input holds up this thread, and Ctrl-C must end that at once.
  stop.listenToSignals()
  const groupRanks =
    options.groupExec === 'all' ? Array.from({ length: options.groupSize }, (_, rank) => rank) : [0]
  const onMessage = (text: string): void => progress.message(text)
  const provider = createFsStateProvider({
    root,
    durability: options.durability,
    acceptChanges: options.acceptChanges,
    crashLimit: options.crashLimit,
    liveness: options.liveness,
    command: process.argv.slice(2).join(' '),
  })
  let guard: CommandGuard | undefined
  const batch = await openPlannedBatch({
    ...options,
    // The batch itself has one rank, which serves all slots.
    groupSize: 1,
    tasks,
    communicator: createSoloCommunicator(),
    provider: {
      ...provider,
      open: async (...given) => {
        const store = await provider.open(...given)
        guard = new CommandGuard({ ticket: store.ticket, slots: plan.slots * groupRanks.length })
        return store
      },
    },
    stop: new StopRequest({ signal: stop.drain }),
    onFault: onMessage,
  })
  progress.start(() => batch.counts())
  let failure: unknown
  try {
    await runSlots({
      batch,
      runner: new NodeCommandRunner({ guard }),
      slots: plan.slots,
      groupSize: options.groupSize,
      groupRanks,
      render: (task, place) => plan.renderCommand(task.index, { ...place, attempt: task.attempt }),
      root,
      inTaskDirectory: options.inTaskDirectory,
      inherited: { ...process.env },
      environment: options.environment,
      timeoutMs: options.timeoutMs,
      retries: options.retries,
      logs: options.logs,
      halt: options.halt,
      stop,
      onMessage,
    })
  } catch (error) {
    failure = error
  }
  progress.stop()
  guard?.close()
  const counts = await closeAfter(failure, () => batch.close())
  return { root: options.root, counts }
}

/** Closes what is open; an error from before stands before one of closing. */
async function closeAfter<T>(failure: unknown, close: () => Promise<T>): Promise<T> {
  if (failure === undefined) return await close()
  await close().catch(() => undefined)
  throw failure
}
