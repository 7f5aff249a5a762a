import { ConfigError, MpiError, RankLostError, StateIoError } from '@mpibatch/batch-core'
import { createLoopback } from '@mpibatch/batch-core/testing'
import type { MpiJob } from '@mpibatch/native-mpi'
import { describe, expect, it } from 'vitest'
import { failuresToTell, meetAtEnd, rankFailure } from '../../src/mpi/rank-end.ts'

const full = rankFailure(new StateIoError('The disk is full.'))
const lost = rankFailure(new RankLostError('Rank 1 is gone.'))

describe('what a person is told of failures', () => {
  it('is each text once, also where other ranks quote it', () => {
    const quoted = rankFailure(new ConfigError('Rank 0 could not open the batch: No such file.'))
    const told = failuresToTell([rankFailure(new ConfigError('No such file.')), quoted, full, full])
    expect(told.map(({ rank, message, exitCode }) => [rank, message, exitCode])).toEqual([
      [0, 'No such file.', 2],
      [2, 'The disk is full.', 3],
    ])
  })

  it('is that a rank was lost only where nothing else is known', () => {
    expect(failuresToTell([lost, undefined, full])).toMatchObject([{ rank: 2 }])
    expect(failuresToTell([undefined, lost, rankFailure(new MpiError('x'))])).toMatchObject([
      { rank: 1 },
      { rank: 2 },
    ])
    expect(failuresToTell([undefined, undefined])).toEqual([])
  })
})

describe('the end of a run', () => {
  /** A rank of a job that notes that it was ended, instead of ending this process. */
  function rank(communicator: ReturnType<typeof createLoopback>[number]) {
    const said: string[] = []
    const job = {
      abort: (exitCode: number) => {
        throw new Error(`ended with ${exitCode}`)
      },
    } as unknown as MpiJob
    const meet = (failure: typeof full | undefined) =>
      meetAtEnd({
        job,
        communicator,
        failure,
        say: (text) => void said.push(text),
        beforeAbort: (exitCode) => void said.push(`before ${exitCode}`),
      })
    return { said, meet }
  }

  it('is told by rank 0 when all come', async () => {
    const ranks = createLoopback(3).map(rank)
    const ends = await Promise.all(ranks.map(({ meet }, index) => meet(index === 1 ? full : undefined)))
    expect(ends).toMatchObject([{ exitCode: 3 }, undefined, undefined])
    expect(ranks.map(({ said }) => said)).toEqual([['rank 1: The disk is full.'], [], []])
  })

  it('is made by the rank that failed when others do not come', async () => {
    const [, failing] = createLoopback(2).map(rank)
    await expect(failing?.meet(full)).rejects.toThrow('ended with 3')
    expect(failing?.said).toEqual(['The disk is full.', 'before 3'])
  })
})
