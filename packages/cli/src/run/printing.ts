import type { Batch } from '@mpibatch/batch-core'
import type { LogPolicy } from '../command/log-policy.ts'
import type { PrintOptions, RunOptions } from '../input/options.ts'
import type { CommandPlan } from '../input/plan.ts'
import type { ProgressDisplay } from '../output/progress-display.ts'
import { commandRanks } from './group-members.ts'
import { OutputOrder, type PrintedEnd } from './output-order.ts'
import { OutputPrinter } from './output-printer.ts'
import { requireDirectory } from './slot-run.ts'
import type { TaskEnds } from './task-ends.ts'

/** What {@link Printing.start} needs. */
export interface PrintingOptions {
  readonly batch: Batch
  readonly tasks: CommandPlan['tasks']
  readonly options: RunOptions
  readonly progress: ProgressDisplay
  /** Carries word of tasks that have ended to the process that prints. */
  readonly ends: TaskEnds
}

/** One process' part in `--print`: it tells of the tasks that end here; the first process prints them all. */
export class Printing {
  /** What is printed is read from the logs, and the printer removes those that nobody wants to keep. */
  readonly logs: LogPolicy = 'all'
  readonly #ends: TaskEnds
  readonly #printer: OutputPrinter | undefined

  /** Begins; not collective. Nothing is printed by ranks other than the first. */
  static async start(print: PrintOptions, parts: PrintingOptions): Promise<Printing> {
    const isPrinter = parts.batch.communicator.rank === 0
    return new Printing(parts.ends, isPrinter ? await openPrinter(print, parts) : undefined)
  }

  private constructor(ends: TaskEnds, printer: OutputPrinter | undefined) {
    this.#ends = ends
    this.#printer = printer
    if (printer !== undefined) ends.listen((taskIndex, end) => printer.ended(taskIndex, end))
  }

  /** Hears of a task that has ended in this process. */
  ended(taskIndex: number, end: PrintedEnd): void {
    this.#ends.tell(taskIndex, end)
  }

  /** Resolves when the printer has heard of all tasks; every process calls it when nothing more ends there. */
  async hearAll(): Promise<void> {
    await this.#ends.close()
  }

  /** Prints what is left, also where not all was heard. */
  async close(): Promise<void> {
    this.#ends.abandon()
    await this.#printer?.close()
  }
}

async function openPrinter(
  { tag, keepOrder }: PrintOptions,
  { batch, tasks, options, progress }: PrintingOptions,
): Promise<OutputPrinter> {
  const { retries, logs } = options
  return new OutputPrinter({
    nameOf: (taskIndex) => tasks.at(taskIndex)?.name ?? '',
    directoryOf: (taskIndex) => requireDirectory(batch.directoryOf(taskIndex)),
    groupRanks: commandRanks(options),
    tag,
    order: new OutputOrder({ retries, awaited: keepOrder ? await awaitedTasks(batch, options) : undefined }),
    logs,
    progress,
  })
}

/** For each task whether this run may run it, as far as that can be known when it begins. */
async function awaitedTasks(
  batch: Batch,
  { rerun, retryFailed, stealRunning }: Pick<RunOptions, 'rerun' | 'retryFailed' | 'stealRunning'>,
): Promise<boolean[]> {
  // Other ranks may have begun; where there are none, what runs does so elsewhere.
  const running = stealRunning || batch.communicator.size > 1
  return (await batch.states()).map((state) => {
    if (state === 'OPEN') return true
    if (state === 'RUNNING') return running
    return state === 'FAILED' ? retryFailed : state === 'DONE' && rerun
  })
}
