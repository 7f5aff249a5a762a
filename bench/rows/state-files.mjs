import { buildLimit } from '../limits/build.mjs'
import { mpiWay } from '../ranks.mjs'
import { timePairs, timeWithFiles } from '../timed-functions.mjs'

const RANKS = [2, 4]
const PAIRS_MAX = 3

function casesOf(ranks, { tasks, peerTasks }, peers) {
  const way = (who, runner, what) => ({ who, run: () => timeWithFiles(runner, { ranks, ...what }) })
  const ours = (text, what) => mpiWay(peers, way(`mpibatch, ${ranks} ranks, ${text}`, 'ours', what))
  const pairs = buildLimit('pairs')
  const limit = (text, durability, makes) => ({
    who: `C: write and rename, ${ranks} processes, ${tasks} tasks${text}`,
    ...(pairs.missing === undefined
      ? { run: () => timePairs(pairs, { tasks, ranks, durability, makes }) }
      : { missing: pairs.missing }),
  })
  const pshmem = way(`pshmem MPIBatch with its mirror, ${ranks} ranks, ${peerTasks} tasks`, 'pshmem', {
    tasks: peerTasks,
    durability: 'none',
  })
  return {
    unsynced: ours(`${tasks} tasks`, { tasks, durability: 'none' }),
    pair: limit('', 'none'),
    madePair: limit(', and make the directory', 'none', true),
    synced: ours(`${tasks} tasks, DONE synced`, { tasks, durability: 'terminal' }),
    syncedPair: limit(', DONE synced', 'terminal'),
    few: ours(`${peerTasks} tasks`, { tasks: peerTasks, durability: 'none' }),
    pshmem: { ...mpiWay(peers, pshmem), rounds: 2 },
    threads: way(`mpibatch, ${ranks} threads, without MPI, ${tasks} tasks`, 'threads', {
      tasks,
      durability: 'none',
    }),
  }
}

/** Tasks that are functions and do nothing, with state files. */
export const row = {
  name: 'state-files',
  title: 'Tasks that do nothing, with state files',
  sizes: { tasks: 4000, peerTasks: 1000, rounds: 5 },
  small: { tasks: 30, peerTasks: 20, rounds: 1 },
  measure(sizes, peers) {
    const cases = RANKS.map((ranks) => casesOf(ranks, sizes, peers))
    const wants = cases.flatMap(({ unsynced, pair, madePair, synced, syncedPair, few, pshmem }, index) => {
      const ranks = RANKS[index]
      return [
        { text: `pshmem / mpibatch, ${ranks} ranks`, of: [pshmem, few], atLeast: 50 },
        { text: `mpibatch / C, ${ranks} ranks`, of: [unsynced, pair], atMost: PAIRS_MAX },
        {
          text: `mpibatch / C that makes the directory, ${ranks} ranks`,
          of: [unsynced, madePair],
          atMost: PAIRS_MAX,
        },
        { text: `mpibatch / C, ${ranks} ranks, synced`, of: [synced, syncedPair], atMost: PAIRS_MAX },
      ]
    })
    return { ways: cases.flatMap((ways) => Object.values(ways)), wants }
  },
}
