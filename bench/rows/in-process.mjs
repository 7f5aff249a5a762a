import { mpiWay, onRanks, onThreads, ourProgram, pshmemProgram } from '../ranks.mjs'
import { expectCount } from '../run.mjs'

const RANKS = [2, 4]

/** Milliseconds of a run of tasks that do nothing. */
function millisecondsOf({ seconds, done }, tasks) {
  expectCount('tasks in memory', done, tasks)
  return 1000 * seconds
}

/** Tasks that are functions and do nothing, in memory only. */
export const row = {
  name: 'in-process',
  title: 'Tasks that do nothing, in memory only',
  sizes: { tasks: 4000, rounds: 5 },
  small: { tasks: 50, rounds: 1 },
  measure({ tasks }, peers) {
    const argv = [JSON.stringify({ tasks, root: null })]
    const cases = RANKS.map((ranks) => {
      const onMpi = (words) => () => millisecondsOf(onRanks(ranks, [...words, ...argv]), tasks)
      const ours = { who: `mpibatch, ${ranks} ranks`, unit: 'ms', run: onMpi(ourProgram('no-op-tasks.mjs')) }
      const pshmem = {
        who: `pshmem MPIBatch, ${ranks} ranks`,
        unit: 'ms',
        run: onMpi(pshmemProgram('no_op_tasks.py')),
        rounds: 2,
      }
      const threads = {
        who: `mpibatch, ${ranks} threads, without MPI`,
        unit: 'ms',
        run: () => millisecondsOf(onThreads(ranks, 'no-op-tasks.mjs', argv), tasks),
      }
      return { ranks, ours: mpiWay(peers, ours), pshmem: mpiWay(peers, pshmem), threads }
    })
    return {
      ways: cases.flatMap(({ ours, pshmem, threads }) => [ours, pshmem, threads]),
      wants: cases.map(({ ranks, ours, pshmem }) => ({
        text: `pshmem / mpibatch, ${ranks} ranks`,
        of: [pshmem, ours],
        atLeast: 1000,
      })),
    }
  },
}
