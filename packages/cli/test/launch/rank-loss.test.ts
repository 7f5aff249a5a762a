import { describe, expect, it } from 'vitest'
import { describeRankLoss, findRankLoss } from '../../src/launch/rank-loss.ts'

const RULE = '--------------------------------------------------------------------------'

/** What each launcher printed when rank 1 was killed. */
const PRINTED = {
  'Open MPI 4': `
${RULE}
Primary job  terminated normally, but 1 process returned
a non-zero exit code. Per user-direction, the job has been aborted.
${RULE}
mpirun.openmpi noticed that process rank 1 with PID 0 on node node7 exited on signal 9 (Killed).
${RULE}`,
  'Open MPI 5': `
${RULE}
prterun noticed that process rank 1 with PID 12159 on node node7 exited on
signal 9 (Killed).
${RULE}`,
  Intel: `
===================================================================================
=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
=   RANK 1 PID 12057 RUNNING AT node7
=   KILLED BY SIGNAL: 9 (Killed)
===================================================================================`,
}

/** The process is one that the launcher killed, or the one that died before. */
const mpich = (code: number, text: string): string => `
===================================================================================
=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
=   PID 12057 RUNNING AT node7
=   EXIT CODE: ${code}
=   CLEANING UP REMAINING PROCESSES
=   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES
===================================================================================
YOUR APPLICATION TERMINATED WITH THE EXIT STRING: ${text}
This typically refers to a problem with your application.
Please see the FAQ page for debugging suggestions`

describe('what a launcher prints of a rank that was killed', () => {
  it.each(Object.entries(PRINTED))('is understood of %s', (_, text) => {
    const loss = findRankLoss(`a line of a rank\n${text}\n`)
    expect(loss).toEqual({ rank: 1, host: 'node7', how: 'SIGKILL' })
    expect(loss && describeRankLoss(loss)).toBe('Rank 1 on node7 was ended by SIGKILL')
  })

  it('is understood of Slurm, in its words', () => {
    const text = 'srun: error: node7: task 12: Segmentation fault (core dumped)\nsrun: Terminating StepId=3.0'
    expect(findRankLoss(text)).toEqual({ rank: 12, host: 'node7', how: 'Segmentation fault' })
  })

  it('is no rank where Slurm names several', () => {
    const text = 'srun: error: node7: tasks 2-3: Killed\nsrun: error: node6: task 0: Killed'
    const loss = findRankLoss(text)
    expect(loss).toEqual({ rank: undefined, host: 'node7', how: 'Killed' })
    expect(loss && describeRankLoss(loss)).toBe('A rank on node7 was ended by Killed')
  })

  it.each([
    [9, 'Killed (signal 9)', 'SIGKILL'],
    [9, 'Segmentation fault (signal 11)', 'SIGSEGV'],
    [9, 'Terminated (signal 15)', 'SIGABRT or SIGTERM'],
    [6, 'Terminated (signal 15)', 'SIGABRT'],
    [11, 'Segmentation fault (signal 11)', 'SIGSEGV'],
  ])(
    'is no rank where MPICH prints it, which may name one that it ended itself (%i, %s)',
    (code, text, how) => {
      const loss = findRankLoss(mpich(code, text))
      expect(loss).toEqual({ rank: undefined, host: undefined, how })
      expect(loss && describeRankLoss(loss)).toBe(`A rank was ended by ${how}`)
    },
  )

  it.each(['', 'rank 1 on node7 exited', 'srun: error: node7: task 1: Exited with exit code 2'])(
    'is nothing in %j',
    (text) => expect(findRankLoss(text)).toBeUndefined(),
  )
})
