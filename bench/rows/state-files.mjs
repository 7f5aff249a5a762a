import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildLimit } from '../limits/build.mjs'
import { mpiWay, onRanks, onThreads, ourProgram, pshmemProgram } from '../ranks.mjs'
import { countDone, expectCount, inEmptyDirectory, jsonLine, runToEnd } from '../run.mjs'

const RANKS = [2, 4]
const PAIRS_MAX = 3

/** Runs tasks with a root, and looks at what their state files say. */
function timeWithRoot(tasks, durability, run) {
  return inEmptyDirectory((directory) => {
    const root = join(directory, 'root')
    const { seconds } = run(JSON.stringify({ tasks, root, durability }))
    expectCount('tasks with state files', countDone(root), tasks)
    return seconds
  })
}

/** Seconds of a C program that does nothing but replace the state files. */
function timePairs(path, { tasks, ranks, durability }) {
  return inEmptyDirectory((directory) => {
    const ended = runToEnd([path, directory, String(tasks), String(ranks), durability])
    const last = readFileSync(join(directory, String(tasks - 1), 'state'), 'latin1')
    if (last !== 'DONE\n') throw new Error(`The C program left ${last}`)
    expectCount('state files in C', countDone(directory), tasks)
    return jsonLine(ended).seconds
  })
}

function casesOf(ranks, { tasks, peerTasks }, peers) {
  const ours = (count, durability, what) =>
    mpiWay(peers, {
      who: `mpibatch, ${ranks} ranks, ${count} tasks${what}`,
      run: () =>
        timeWithRoot(count, durability, (told) => onRanks(ranks, [...ourProgram('no-op-tasks.mjs'), told])),
    })
  const pairs = buildLimit('pairs')
  const limit = (durability, what) => ({
    who: `C: write and rename${what}, ${ranks} processes, ${tasks} tasks`,
    ...(pairs.missing === undefined
      ? { run: () => timePairs(pairs.path, { tasks, ranks, durability }) }
      : { missing: pairs.missing }),
  })
  return {
    ranks,
    unsynced: ours(tasks, 'none', ''),
    pair: limit('none', ''),
    synced: ours(tasks, 'terminal', ', synced'),
    syncedPair: limit('terminal', ', DONE synced'),
    few: ours(peerTasks, 'none', ' (as many as pshmem)'),
    pshmem: mpiWay(peers, {
      who: `pshmem MPIBatch with its mirror, ${ranks} ranks, ${peerTasks} tasks`,
      run: () =>
        timeWithRoot(peerTasks, 'none', (told) => onRanks(ranks, [...pshmemProgram('no_op_tasks.py'), told])),
      rounds: 2,
    }),
    threads: {
      who: `mpibatch, ${ranks} threads, without MPI, ${tasks} tasks`,
      run: () => timeWithRoot(tasks, 'none', (told) => onThreads(ranks, 'no-op-tasks.mjs', [told])),
    },
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
    return {
      ways: cases.flatMap(({ ranks: _, ...ways }) => Object.values(ways)),
      wants: cases.flatMap(({ ranks, unsynced, pair, synced, syncedPair, few, pshmem }) => [
        { text: `pshmem / mpibatch, ${ranks} ranks`, of: [pshmem, few], atLeast: 50 },
        { text: `mpibatch / C, ${ranks} ranks`, of: [unsynced, pair], atMost: PAIRS_MAX },
        { text: `mpibatch / C, ${ranks} ranks, synced`, of: [synced, syncedPair], atMost: PAIRS_MAX },
      ]),
    }
  },
}
