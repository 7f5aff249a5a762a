/**
 * A task whose command runs as every member of its worker group (`--group-exec all`): all begin together, the first
 * failure ends the others with TERM, and the task is DONE when all have ended with 0.
 */
import { setMaxListeners } from 'node:events'
import type { CommandResult } from '../command/command-runner.ts'
import type { RunOptions } from '../input/options.ts'

/** The members of a group that run a command, where all of them are in one process. */
export function commandRanks({
  groupExec,
  groupSize,
}: Pick<RunOptions, 'groupExec' | 'groupSize'>): readonly number[] {
  return groupExec === 'all' ? Array.from({ length: groupSize }, (_, rank) => rank) : [0]
}

/** How one member ended its part of a task. */
export interface MemberEnd {
  readonly groupRank: number
  readonly result: CommandResult
  /** Whether it was ended only because another member had not ended well. */
  readonly followed: boolean
}

/** What members tell each other: all went well, the task has failed, or the run was stopped. */
export type MemberWord = 'done' | 'failed' | 'interrupted' | 'followed'

/** The members of the group that run in other processes. */
export interface GroupPeers {
  /**
   * Tells all others how this process' members ended, and waits for what they say. Collective over the group.
   *
   * @param own - Resolves when the own members have ended.
   * @param onTrouble - Called at the first word of another that is not `done`.
   * @returns What the others said.
   */
  exchange(own: Promise<MemberWord>, onTrouble: () => void): Promise<readonly MemberWord[]>
}

/** What {@link runMembers} needs. */
export interface MemberRunOptions {
  /** Group ranks that run in this process. */
  readonly groupRanks: readonly number[]
  /** Runs one member's command to its end; the signal ends it with TERM. */
  readonly run: (groupRank: number, signal: AbortSignal) => Promise<CommandResult>
  /** Aborted when the run has been told to end what runs. */
  readonly interrupt: AbortSignal
  /** Left out where all members run in this process. */
  readonly peers?: GroupPeers | undefined
}

/**
 * Runs the members of this process to their end, and waits for those of other processes.
 *
 * @returns The end that counts here: that of a member that was stopped with the run, else of the first that failed,
 *   else of the first member, with the time of the slowest.
 * @throws The first error of `run`, when all members have ended.
 */
export async function runMembers(options: MemberRunOptions): Promise<MemberEnd> {
  const { groupRanks, peers, interrupt } = options
  const [only] = groupRanks
  if (only !== undefined && groupRanks.length === 1 && peers === undefined) {
    // Nobody else can end it, and it can't end anybody.
    return { groupRank: only, result: await options.run(only, interrupt), followed: false }
  }
  const trouble = new AbortController()
  const endAll = (): void => trouble.abort()
  // One signal stands for the whole run; Node would take more than ten listeners for a leak.
  setMaxListeners(0, interrupt)
  interrupt.addEventListener('abort', endAll)
  if (interrupt.aborted) endAll()
  const ends: MemberEnd[] = []
  const runOne = async (groupRank: number): Promise<void> => {
    try {
      const result = await options.run(groupRank, trouble.signal)
      const followed = result.reason === 'interrupted' && trouble.signal.aborted && !interrupt.aborted
      ends.push({ groupRank, result, followed })
      if (result.reason !== 'done') endAll()
    } catch (error) {
      endAll()
      throw error
    }
  }
  const running = Promise.allSettled(groupRanks.map(runOne))
  const own = running.then((all) => (all.some(isRejected) ? 'failed' : wordOf(decide(ends))))
  const others = (await peers?.exchange(own, endAll)) ?? []
  const failed = (await running).find(isRejected)
  interrupt.removeEventListener('abort', endAll)
  if (failed !== undefined) throw failed.reason
  const end = decide(ends)
  // Whoever fails since the others were stopped has not failed by itself.
  if (!others.includes('interrupted') || end.result.reason === 'done') return end
  return { ...end, result: { ...end.result, reason: 'interrupted' } }
}

function isRejected(outcome: PromiseSettledResult<void>): outcome is PromiseRejectedResult {
  return outcome.status === 'rejected'
}

function decide(ends: readonly MemberEnd[]): MemberEnd {
  const stopped = ends.find(({ result, followed }) => result.reason === 'interrupted' && !followed)
  const failed = ends.find(({ result, followed }) => result.reason !== 'done' && !followed)
  const troubled = stopped ?? failed ?? ends.find(({ followed }) => followed)
  if (troubled !== undefined) return troubled
  const [first] = [...ends].sort((one, other) => one.groupRank - other.groupRank)
  if (first === undefined) throw new Error('A group without members was to run a task')
  const durationMs = Math.max(...ends.map(({ result }) => result.durationMs))
  return { ...first, result: { ...first.result, durationMs } }
}

function wordOf({ result, followed }: MemberEnd): MemberWord {
  if (followed) return 'followed'
  if (result.reason === 'done' || result.reason === 'interrupted') return result.reason
  return 'failed'
}
