import { describe, expect, it } from 'vitest'
import type { CommandResult } from '../../src/command/command-runner.ts'
import { type GroupPeers, type MemberWord, runMembers } from '../../src/run/group-members.ts'

type Ending = Pick<CommandResult, 'reason'> & Partial<CommandResult>

/** A member that ends in a given way, or when it is told to. */
function member(ending: Ending | 'waits') {
  return (signal: AbortSignal): Promise<CommandResult> => {
    const times = { startedAtMs: 0, durationMs: 1 }
    if (ending !== 'waits') return Promise.resolve({ ...times, ...ending })
    return new Promise((resolve) => {
      const end = (): void => resolve({ ...times, reason: 'interrupted', signal: 'SIGTERM' })
      if (signal.aborted) end()
      else signal.addEventListener('abort', end, { once: true })
    })
  }
}

function run(
  endings: readonly (Ending | 'waits')[],
  options: { readonly interrupt?: AbortSignal; readonly peers?: GroupPeers } = {},
) {
  const members = endings.map(member)
  return runMembers({
    groupRanks: members.map((_, rank) => rank),
    run: (rank, signal) => members[rank]?.(signal) ?? Promise.reject(new Error('no such member')),
    interrupt: options.interrupt ?? new AbortController().signal,
    peers: options.peers,
  })
}

/** Members elsewhere that say something; `heard` is what this process has told them. */
function peersThatSay(words: readonly MemberWord[], heard: MemberWord[] = []): GroupPeers {
  return {
    exchange: async (own, onTrouble) => {
      if (words.some((word) => word !== 'done')) onTrouble()
      heard.push(await own)
      return words
    },
  }
}

const done = { reason: 'done', exitCode: 0 } as const
const failed = { reason: 'exit', exitCode: 3 } as const

describe('the members of a group', () => {
  it('end well when all do, with the time of the slowest', async () => {
    const end = await run([done, { ...done, durationMs: 70 }, done])
    expect(end).toMatchObject({ groupRank: 0, followed: false, result: { reason: 'done', durationMs: 70 } })
  })

  it('end with the first that fails, which ends the others', async () => {
    const end = await run(['waits', failed, 'waits'])
    expect(end).toMatchObject({ groupRank: 1, result: { reason: 'exit', exitCode: 3 } })
  })

  it('are interrupted when the run is, not failed', async () => {
    const stop = new AbortController()
    const ending = run(['waits', 'waits'], { interrupt: stop.signal })
    stop.abort()
    expect(await ending).toMatchObject({ followed: false, result: { reason: 'interrupted' } })
    expect(await run(['waits'], { interrupt: stop.signal })).toMatchObject({
      result: { reason: 'interrupted' },
    })
  })

  it('end when a member in another process fails, and say that they followed', async () => {
    const heard: MemberWord[] = []
    const end = await run(['waits'], { peers: peersThatSay(['done', 'failed'], heard) })
    expect(end).toMatchObject({ followed: true, result: { reason: 'interrupted' } })
    expect(heard).toEqual(['followed'])
  })

  it('tell those in other processes of their own failure', async () => {
    const heard: MemberWord[] = []
    const end = await run([failed], { peers: peersThatSay(['followed'], heard) })
    expect(end).toMatchObject({ followed: false, result: { reason: 'exit' } })
    expect(heard).toEqual(['failed'])
  })

  it('have not failed by themselves when another was stopped with the run', async () => {
    const end = await run([failed], { peers: peersThatSay(['interrupted']) })
    expect(end.result.reason).toBe('interrupted')
  })

  it('all end before an error of one is thrown', async () => {
    let over = false
    const ending = runMembers({
      groupRanks: [0, 1],
      run: async (rank, signal) => {
        if (rank === 0) throw new Error('the disk is full')
        const result = await member('waits')(signal)
        over = true
        return result
      },
      interrupt: new AbortController().signal,
    })
    await expect(ending).rejects.toThrow('the disk is full')
    expect(over).toBe(true)
  })
})
