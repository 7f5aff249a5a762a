import { mpiWay } from '../ranks.mjs'
import { timeDask, timeInMemory } from '../timed-functions.mjs'

const RANKS = [2, 4]

function casesOf(ranks, tasks, peers) {
  const way = (who, time) => ({ who, unit: 'ms', run: () => 1000 * time({ ranks, tasks }) })
  const inMemory = (runner) => (what) => timeInMemory(runner, what)
  const { dask } = peers
  const daskWay = way(`Dask, ${ranks} workers`, (what) => timeDask(dask, what))
  return {
    ours: mpiWay(peers, way(`mpibatch, ${ranks} ranks`, inMemory('ours'))),
    // Takes minutes.
    pshmem: { ...mpiWay(peers, way(`pshmem MPIBatch, ${ranks} ranks`, inMemory('pshmem'))), rounds: 2 },
    threads: way(`mpibatch, ${ranks} threads, without MPI`, inMemory('threads')),
    dask: dask.missing === undefined ? daskWay : { ...daskWay, run: undefined, missing: dask.missing },
  }
}

/** Tasks that are functions and do nothing, in memory only. */
export const row = {
  name: 'in-process',
  title: 'Tasks that do nothing, in memory only',
  sizes: { tasks: 4000, rounds: 5 },
  small: { tasks: 50, rounds: 1 },
  measure({ tasks }, peers) {
    const cases = RANKS.map((ranks) => casesOf(ranks, tasks, peers))
    const wants = cases.map(({ ours, pshmem }, index) => ({
      text: `pshmem / mpibatch, ${RANKS[index]} ranks`,
      of: [pshmem, ours],
      atLeast: 1000,
    }))
    return { ways: cases.flatMap((ways) => Object.values(ways)), wants }
  },
}
