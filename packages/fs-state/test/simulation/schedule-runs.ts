/** Plays many schedules, and says how to play one again that failed. */
import { type Ablation, playSchedule } from './schedule.ts'

/** Schedules that are played side by side, so that they share the turns of the event loop. */
const LANES = 6

/** A schedule in which something was wrong. */
export interface FailedSchedule {
  readonly number: number
  readonly fault: string
}

/** Which schedules are played. */
export interface RunsOptions {
  readonly seed: number
  /** Numbers from `first` to below `end`, every `stride`th. @defaultValue 0 */
  readonly first?: number
  readonly end: number
  /** @defaultValue 1 */
  readonly stride?: number
  readonly ablation?: Ablation
}

/** Plays schedules until one fails; `undefined` if none does. */
export async function playSchedules(options: RunsOptions): Promise<FailedSchedule | undefined> {
  const { seed, first = 0, end, stride = 1, ablation = {} } = options
  let next = first
  let failed: FailedSchedule | undefined
  const { stackTraceLimit } = Error
  // Errors are what happens all the time here, and their stacks are most of what they cost.
  Error.stackTraceLimit = 0
  const lane = async (): Promise<void> => {
    while (next < end && failed === undefined) {
      const number = next
      next += stride
      const { fault } = await playSchedule(seed, number, { ablation })
      if (fault !== undefined) failed ??= { number, fault }
    }
  }
  try {
    await Promise.all(Array.from({ length: LANES }, lane))
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return failed
}

/** The seed of this run: that of `MPIBATCH_SEED`, or a given one. */
export function seedOf(usual: number): number {
  return Number(process.env.MPIBATCH_SEED ?? usual)
}

/** Plays schedules; fails with all that happened in the first one that was wrong. */
export async function mustPlay(options: RunsOptions): Promise<void> {
  const failed = await playSchedules(options)
  if (failed === undefined) return
  const again = `Play it again: MPIBATCH_SEED=${options.seed} MPIBATCH_SCHEDULE=${failed.number} npm run test:schedules`
  // At once: other processes may go on for minutes.
  process.stderr.write(`${failed.fault}\n${again}\n`)
  const lines: string[] = []
  const ablation = options.ablation ?? {}
  await playSchedule(options.seed, failed.number, { ablation, trace: (line) => lines.push(line) })
  throw new Error(`${failed.fault}\n${again}\n${lines.join('\n')}`)
}
